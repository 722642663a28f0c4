"use strict";
// Short cuts. Every one of them is also a link or a button.
(() => {
  const usual = { next: "j", previous: "k", undecided: "n", accept: "a", reject: "r", amend: "m", principal: "p", present: "y", hide: "h", add: "s", undo: "u", evidence: "e", take: "x", help: "?" };
  const panes = document.querySelector("[data-keys]");
  const keys = { ...usual, ...JSON.parse((panes && panes.dataset.keys) || "{}") };
  const help = document.getElementById("keys");
  const press = (id) => { const button = document.getElementById(id); if (button) button.click(); };
  for (const row of document.querySelectorAll("tr[data-action]")) {
    const shown = row.querySelector("kbd");
    if (keys[row.dataset.action]) shown.textContent = keys[row.dataset.action];
  }

  // the entries change while one decides
  const all = () => Array.from(document.querySelectorAll(".entry"));
  const currentEntry = () => document.activeElement && document.activeElement.closest(".entry");
  const visible = (entry) => !entry.closest("details:not([open])");
  const show = (entry) => {
    if (!entry) return;
    const folded = entry.closest("details");
    if (folded) folded.open = true;
    entry.focus({ preventScroll: true });
    entry.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const entries = all();
    let at = entries.indexOf(currentEntry());
    if (at < 0) at = by > 0 ? -1 : entries.length;
    do at += by; while (entries[at] && !visible(entries[at]));
    show(entries[at]);
  };
  // on a long page the forms of an entry come when they are asked for
  const withForms = (entry, then) => {
    if (!entry) return;
    if (entry.querySelector("[data-later]")) document.dispatchEvent(new CustomEvent("forms", { detail: { entry, then } }));
    else then(entry);
  };
  const open = (entry, name, field) => withForms(entry, (whole) => {
    const folded = whole.querySelector("details." + name);
    if (!folded) return;
    folded.open = true;
    const found = folded.querySelector(field || "select, input:not([type=hidden])");
    if (found) found.focus();
  });
  // what a question offers comes first, else the alternatives in their order
  const choose = (entry, number) => {
    const specific = entry ? entry.querySelectorAll(".choices button") : [];
    if (specific.length > 0) { if (specific[number - 1]) specific[number - 1].click(); return; }
    withForms(entry, (whole) => {
      const option = whole.querySelectorAll("details.amend input[name=choice]:not([value=''])")[number - 1];
      if (!option) return;
      option.checked = true;
      option.form.requestSubmit();
    });
  };
  const principal = (entry) => withForms(entry, (whole) => {
    const role = whole.querySelector("details.designate select[name=role]");
    if (!role) return;
    role.value = "principal";
    role.form.requestSubmit();
  });

  const actions = {
    next: () => step(1),
    previous: () => step(-1),
    undecided: () => {
      const entries = all();
      const from = entries.indexOf(currentEntry()) + 1;
      const order = entries.slice(from).concat(entries.slice(0, from)).filter((entry) => entry.classList.contains("undecided"));
      // what is folded away comes when nothing else waits
      show(order.find(visible) || order[0]);
    },
    accept: (entry) => { const button = entry && entry.querySelector("button.accept"); if (button) button.click(); },
    reject: (entry) => open(entry, "reject"),
    amend: (entry) => open(entry, "amend", "input[name=code]"),
    principal,
    present: (entry) => open(entry, "designate", "select[name=present_on_admission]"),
    hide: (entry) => { const button = entry && entry.querySelector("button.hide-one"); if (button) button.click(); },
    evidence: (entry) => { const link = entry && entry.querySelector(".places a"); if (link) { link.click(); entry.focus(); } },
    add: () => press("select-add"),
    undo: () => press("undo"),
    take: () => press("next"),
    help: () => { if (help) help.showModal(); },
  };

  document.addEventListener("keydown", (event) => {
    const moves = event.key === keys.next || event.key === keys.previous;
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat && !moves) return;
    const typing = event.target.closest("input, select, textarea, dialog[open]");
    if (typing) {
      if (event.defaultPrevented) return;
      if (event.key === "Escape" && typing.closest(".entry")) { const entry = typing.closest(".entry"); typing.closest("details").open = false; entry.focus(); }
      return;
    }
    if (/^[1-9]$/.test(event.key) && currentEntry()) {
      event.preventDefault();
      choose(currentEntry(), Number(event.key));
      return;
    }
    const action = Object.keys(keys).find((name) => keys[name] === event.key);
    if (!action || !actions[action]) return;
    event.preventDefault();
    actions[action](currentEntry());
  });

  // the button comes anew with every decision
  const offer = () => { const opener = document.getElementById("show-keys"); if (opener && help) opener.hidden = false; };
  offer();
  document.addEventListener("parts", offer);
  document.addEventListener("click", (event) => { if (help && event.target.closest("#show-keys")) help.showModal(); });
  // After a decision without a script the page comes back at the entry; keys go on from there.
  const target = location.hash.startsWith("#e-") && document.getElementById(location.hash.slice(1));
  if (target) { show(target); target.scrollIntoView({ block: "center" }); }
})();
