"use strict";
// Short cuts. Every one of them is also a link or a button.
(() => {
  const entries = Array.from(document.querySelectorAll(".entry"));
  const help = document.getElementById("keys");
  const press = (id) => { const button = document.getElementById(id); if (button) button.click(); };

  const current = () => {
    const focused = document.activeElement && document.activeElement.closest(".entry");
    return entries.indexOf(focused);
  };
  const visible = (entry) => !entry.closest("details:not([open])");
  const show = (entry) => {
    if (!entry) return;
    const folded = entry.closest("details");
    if (folded) folded.open = true;
    entry.focus({ preventScroll: true });
    entry.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    let at = current();
    if (at < 0) at = by > 0 ? -1 : entries.length;
    do at += by; while (entries[at] && !visible(entries[at]));
    show(entries[at]);
  };
  const open = (entry, name) => {
    const folded = entry.querySelector("details." + name);
    if (!folded) return;
    folded.open = true;
    const field = folded.querySelector("select, input:not([type=hidden])");
    if (field) field.focus();
  };

  const actions = {
    j: () => step(1),
    k: () => step(-1),
    n: () => {
      const from = current() + 1;
      show(entries.slice(from).concat(entries.slice(0, from)).find((entry) => entry.classList.contains("undecided")));
    },
    a: (entry) => { const button = entry && entry.querySelector("button.accept"); if (button) button.click(); },
    r: (entry) => { if (entry) open(entry, "reject"); },
    m: (entry) => { if (entry) open(entry, "amend"); },
    e: (entry) => { const link = entry && entry.querySelector(".places a"); if (link) { link.click(); entry.focus(); } },
    s: () => press("select-add"),
    u: () => press("undo"),
    x: () => press("next"),
    "?": () => { if (help) help.showModal(); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat && event.key !== "j" && event.key !== "k") return;
    const typing = event.target.closest("input, select, textarea, dialog[open]");
    if (typing) {
      if (event.defaultPrevented) return;
      if (event.key === "Escape" && typing.closest(".entry")) { const entry = typing.closest(".entry"); typing.closest("details").open = false; entry.focus(); }
      return;
    }
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action(entries[current()]);
  });

  const opener = document.getElementById("show-keys");
  if (opener && help) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }
  // After a decision the page comes back at the entry; keys go on from there.
  const target = location.hash.startsWith("#e-") && document.getElementById(location.hash.slice(1));
  if (target) { show(target); target.scrollIntoView({ block: "center" }); }
})();
