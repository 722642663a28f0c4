"use strict";
// What spares a coder steps on the page of an item: codes found while one types, words of a note added by selecting them, and what may be
// accepted together once it was on the screen. The page works without.
(() => {
  const texts = JSON.parse(document.querySelector("[data-texts]").dataset.texts);
  const fill = (text, name, value) => text.replace(`{${name}}`, () => value);
  // Codes for the words in a field of a code.
  const ICD = "http://hl7.org/fhir/sid/icd-10-cm";
  const edition = document.querySelector("[data-edition]").dataset.edition;
  // favourites and codes used last, offered before anything is typed
  const atHand = () => Array.from(document.querySelectorAll("#at-hand li"), (one) => ({ code: one.dataset.code, title: one.dataset.title, matched: one.dataset.favourite ? "★" : texts.usedLast }));
  let finders = 0;
  const finder = (field) => {
    const system = field.form && field.form.elements.system;
    const box = document.createElement("div");
    box.className = "finder";
    field.replaceWith(box);
    const list = document.createElement("ul");
    list.className = "offers";
    list.hidden = true;
    list.id = `offers-${finders++}`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", texts.codes);
    const chosen = document.createElement("p");
    chosen.className = "quiet chosen";
    chosen.setAttribute("aria-live", "polite");
    box.append(field, list, chosen);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) {
      field.setAttribute(name, value);
    }
    let at = -1, asked = 0, timer;
    const close = () => { clearTimeout(timer); asked++; list.hidden = true; at = -1; field.setAttribute("aria-expanded", "false"); field.removeAttribute("aria-activedescendant"); };
    const mark = (to) => {
      const all = list.children;
      if (all.length === 0) return;
      at = (to + all.length) % all.length;
      for (const [index, one] of Array.from(all).entries()) one.setAttribute("aria-selected", String(index === at));
      all[at].scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", all[at].id);
    };
    const choose = (option) => {
      field.value = option.dataset.code;
      chosen.textContent = option.dataset.title;
      const radio = field.form.querySelector("input[name=choice][value='']");
      if (radio) radio.checked = true;
      close();
      field.focus();
    };
    const show = (offers) => {
      list.replaceChildren(...offers.map((offer, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.code = offer.code;
        option.dataset.title = offer.title;
        const code = document.createElement("code");
        code.textContent = offer.code;
        option.append(code, ` ${offer.title}`);
        if (offer.matched) {
          const matched = document.createElement("span");
          matched.className = "quiet";
          matched.textContent = ` ${offer.matched}`;
          option.append(matched);
        }
        option.addEventListener("mousedown", (event) => { event.preventDefault(); choose(option); });
        return option;
      }));
      list.hidden = offers.length === 0;
      field.setAttribute("aria-expanded", String(!list.hidden));
      at = -1;
    };
    const ask = async () => {
      const query = field.value.trim() || field.dataset.words || "";
      if (query.length < 2 || (system && system.value !== ICD)) { close(); return; }
      const mine = ++asked;
      try {
        const body = new URLSearchParams({ form_token: field.form.elements.form_token.value, query, edition });
        const reply = await fetch("/codes/offers", { method: "POST", body });
        const offers = reply.ok ? await reply.json() : [];
        if (mine === asked && document.activeElement === field) show(offers);
      } catch { close(); }
    };
    // what was offered for other words is not chosen by mistake
    field.addEventListener("input", () => { chosen.textContent = ""; close(); timer = setTimeout(ask, 90); });
    // with nothing typed yet, the words of the note are looked for
    field.addEventListener("focus", () => {
      if (field.value) return;
      if (field.dataset.words) ask();
      else if (isIcd()) show(atHand());
    });
    field.addEventListener("blur", close);
    const isCode = () => /^\s*[a-z]\d[0-9a-z.]*\s*$/i.test(field.value);
    const isIcd = () => !system || system.value === ICD;
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      // words are no code: Enter offers codes for them instead of sending them
      if (event.key === "Enter" && at < 0 && field.value.trim() && isIcd() && !isCode()) {
        event.preventDefault();
        if (list.hidden) ask(); else mark(0);
        return;
      }
      if (list.hidden) return;
      if (event.key === "ArrowDown") mark(at + 1);
      else if (event.key === "ArrowUp") mark(at < 0 ? -1 : at - 1);
      else if (event.key === "Escape") close();
      else if (event.key === "Enter" && at >= 0) choose(list.children[at]);
      else return;
      event.preventDefault();
    });
  };
  document.querySelectorAll("input[name=code]").forEach(finder);
  document.addEventListener("entry", (event) => event.detail.querySelectorAll("input[name=code]").forEach(finder));

  // Words that are selected in a note.
  const form = document.getElementById("add");
  const letters = (text) => Array.from(text).length;
  const selected = () => {
    const selection = getSelection();
    if (!form || !selection || selection.isCollapsed || selection.rangeCount !== 1) return null;
    const range = selection.getRangeAt(0);
    const text = range.startContainer.parentElement && range.startContainer.parentElement.closest("[data-held]");
    if (!text || !text.contains(range.endContainer)) return null;
    const words = range.toString();
    const before = document.createRange();
    before.selectNodeContents(text);
    before.setEnd(range.startContainer, range.startOffset);
    const lead = words.length - words.trimStart().length;
    const start = letters(before.toString()) + letters(words.slice(0, lead));
    const kept = words.trim();
    return kept ? { note: text.dataset.note, label: text.dataset.label, start, end: start + letters(kept), words: kept, range } : null;
  };
  const button = document.createElement("button");
  button.id = "select-add";
  button.className = "select-add primary";
  button.hidden = true;
  button.append(`${texts.add} `, Object.assign(document.createElement("kbd"), { textContent: "s" }));
  document.body.append(button);
  document.addEventListener("selectionchange", () => {
    const found = selected();
    button.hidden = !found;
    if (!found) return;
    const place = found.range.getBoundingClientRect();
    button.style.left = `${Math.max(4, Math.min(place.right, innerWidth - 90))}px`;
    button.style.top = `${Math.max(4, Math.min(place.bottom + 4, innerHeight - 44))}px`;
  });
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    const found = selected();
    if (!found) return;
    const { elements } = form;
    elements.note.value = found.note;
    elements.start.value = found.start;
    elements.end.value = found.end;
    elements.display.value = found.words.replace(/\s+/g, " ").slice(0, 300);
    const place = document.getElementById("add-place");
    place.querySelector("span").textContent = fill(fill(texts.from, "note", found.label), "words", elements.display.value);
    place.hidden = false;
    getSelection().removeAllRanges();
    form.closest("details").open = true;
    form.scrollIntoView({ block: "nearest" });
    elements.code.dataset.words = elements.display.value;
    elements.code.focus();
  });

  const placeless = document.querySelector("#add-place button");
  if (placeless) {
    placeless.addEventListener("click", () => {
      for (const name of ["note", "start", "end"]) form.elements[name].value = "";
      form.elements.code.dataset.words = "";
      placeless.parentElement.hidden = true;
      form.elements.display.focus();
    });
  }

  // The codes, one a line, for another program.
  const copying = () => {
    const copy = document.getElementById("copy-codes");
    if (!copy || !navigator.clipboard) return;
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const lines = Array.from(document.querySelectorAll("#assigned li"), (line) => line.textContent.trim().replace(/\s+/g, " "));
      const said = document.getElementById("copied");
      try {
        await navigator.clipboard.writeText(lines.join("\n"));
        said.textContent = fill(texts.copied, "count", lines.length);
      } catch { said.textContent = texts.notCopied; }
    });
  };
  copying();
  document.addEventListener("parts", copying);

  // What was on the screen: an entry counts as seen when it stood there whole, or filled most of it.
  const seen = new Set();
  const tell = () => {
    for (const one of document.querySelectorAll("form.together")) {
      const mine = one.dataset.entries.split(" ").filter((id) => seen.has(id));
      one.elements.seen.value = mine.join(",");
      one.querySelector(".how-many").textContent = String(mine.length);
      one.hidden = mine.length < 2;
    }
  };
  const watch = new IntersectionObserver((changes) => {
    for (const change of changes) {
      if (change.intersectionRatio > 0.98 || change.intersectionRect.height > innerHeight / 2) seen.add(change.target.id.slice(2));
    }
    tell();
  }, { threshold: [0, 0.5, 0.99, 1] });
  if (document.querySelector("form.together")) document.querySelectorAll(".entry.undecided").forEach((entry) => watch.observe(entry));
  document.addEventListener("parts", tell);
})();
