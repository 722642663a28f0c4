"use strict";
// Decisions without a new page: a form is posted, and the parts of the page that it changed are put in their place. What could not be saved is
// said to be, and stays in its form. And the signs of life that keep a claim, and what was on the screen.
(() => {
  const panes = document.querySelector("[data-item]");
  if (!panes) return;
  const texts = JSON.parse(panes.dataset.texts);
  const fill = (text, name, value) => text.replace(`{${name}}`, () => value);
  const item = `/items/${panes.dataset.item}`;
  const problem = () => document.getElementById("not-saved");
  const say = (text) => { const place = problem(); if (place) { place.textContent = text; place.hidden = !text; } };
  let waiting = 0, active = true, leaving = false, signedOut = false;
  const read = (html) => new DOMParser().parseFromString(html, "text/html");

  // Puts what came in place of what is there; false when entries moved, so that the page must be read anew.
  const take = (html) => {
    const page = read(html);
    const given = page.querySelector("[data-item]");
    if (!given) return false;
    const focused = document.activeElement && document.activeElement.closest(".entry");
    // at the end and once: giving the focus makes the browser lay the page out
    let focusAgain = focused ? focused.id : "";
    for (const entry of page.querySelectorAll(".entry")) {
      const here = document.getElementById(entry.id);
      if (!here || Boolean(here.closest(".aside")) !== Boolean(entry.closest(".aside"))) return false;
      here.replaceWith(document.adoptNode(entry));
      const state = ["suggested", "accepted", "amended", "rejected", "added", "withdrawn"];
      const now = state.find((word) => entry.classList.contains(word));
      for (const mark of document.querySelectorAll(`mark a[href="#${entry.id}"]`)) {
        mark.parentElement.classList.remove(...state);
        mark.parentElement.classList.add(now);
      }
      document.dispatchEvent(new CustomEvent("entry", { detail: entry }));
    }
    for (const id of ["summary", "assigned-now", "edits-now", "g-diagnosis", "g-medication", "g-allergy"]) {
      const [here, there] = [document.getElementById(id), page.getElementById(id)];
      // unread notes are counted where the notes are
      const unseen = id === "summary" && document.getElementById("unseen");
      if (!here || !there) continue;
      // what is being filled in, and where the focus is, stays
      const focus = here.contains(document.activeElement) ? document.activeElement.id : "";
      const [menu, fresh] = [here.querySelector("details.menu[open]"), there.querySelector("details.menu")];
      if (menu && fresh) fresh.replaceWith(menu);
      const [reason, empty] = [here.querySelector("#override"), there.querySelector("#override")];
      if (reason && empty) empty.value = reason.value;
      const [folded, anew] = [here.querySelector("details[open]"), there.querySelector("details")];
      if (folded && anew) anew.open = true;
      // a list of edits is long, and seldom another
      if (here.isEqualNode(there)) continue;
      here.replaceWith(document.adoptNode(there));
      focusAgain = focus || focusAgain;
      if (unseen) { const counts = document.querySelector("#summary .counts"); if (counts) counts.append(" · ", unseen); }
    }
    const again = focusAgain && document.getElementById(focusAgain);
    if (again && !again.contains(document.activeElement)) again.focus({ preventScroll: true });
    panes.dataset.revision = given.dataset.revision;
    document.dispatchEvent(new CustomEvent("parts"));
    return true;
  };

  // The forms of this page carry the word of a session that ended: takes that of the one that began since; false when there is none yet.
  const signedInAgain = async () => {
    try {
      const reply = await fetch(location.pathname);
      const now = !reply.redirected && reply.ok && read(await reply.text()).querySelector("[data-item]");
      if (!now) return false;
      panes.dataset.formToken = now.dataset.formToken;
      for (const field of document.querySelectorAll("input[name=form_token]")) field.value = now.dataset.formToken;
      signedOut = false;
      return true;
    } catch { return false; }
  };
  // A form decides on what the page shows now. (Told to each form when it is sent: there are hundreds, and one at a time is.)
  const upToDate = (form) => {
    const field = form.querySelector("input[name=revision]");
    if (field) field.value = panes.dataset.revision;
  };
  document.addEventListener("submit", (event) => upToDate(event.target), true);
  // (a form's own `action` is hidden by its fields of that name)
  const send = async (form, button, tries = 0) => {
    // decided already by the one before, whose answer took its place
    if (!(button || form).isConnected) return;
    if (signedOut && !(await signedInAgain())) { say(texts.signedOut); return; }
    upToDate(form);
    const body = new URLSearchParams(new FormData(form));
    if (button && button.name) body.set(button.name, button.value);
    waiting += 1;
    const busy = (button || form).closest(".entry");
    if (busy) busy.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "x-live": "1" } });
      if (reply.status === 403 && tries === 0) {
        // a session that began after this page
        signedOut = true;
        await send(form, button, 1);
        return;
      }
      if (reply.status === 409) {
        leaving = true;
        // the page that shows both sides
        if (button && button.name) {
          const field = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
          form.append(field);
          form.submit();
          field.remove();
        } else form.submit();
        return;
      }
      if (reply.redirected && new URL(reply.url).pathname === "/sign-in") {
        signedOut = true;
        say(texts.signedOut);
        return;
      }
      const html = await reply.text();
      const refused = reply.redirected || !reply.ok;
      if (!refused && take(html)) { say(""); return; }
      if (!refused) { leaving = true; location.reload(); return; }
      const page = read(html);
      const told = page.querySelector(".notice.problem:not([hidden])") || page.querySelector("main p");
      say(told ? told.textContent.trim() : fill(texts.notSaved, "status", reply.status));
    } catch {
      say(texts.notSavedOffline);
    } finally {
      waiting -= 1;
      if (busy) busy.removeAttribute("aria-busy");
    }
  };
  // one after the other: each is of the revision that the one before made
  let line = Promise.resolve();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const live = ["/decide", "/accept-together", "/undo"].some((act) => (form.getAttribute("action") || "").endsWith(act));
    if (!live || event.defaultPrevented) return;
    event.preventDefault();
    const { submitter } = event;
    line = line.then(() => send(form, submitter));
  });
  // nothing that is being saved, or that was not, is left by mistake
  addEventListener("beforeunload", (event) => { if (waiting > 0 && !leaving) event.preventDefault(); });

  // The forms of an entry of a long page, put in their place when somebody asks for them.
  const coming = new Map();
  const forms = (entry) => {
    const id = entry.id.slice(2);
    if (coming.has(id)) return coming.get(id);
    const fetched = (async () => {
      try {
        const reply = await fetch(`${item}/entries/${id}`);
        if (reply.redirected || !reply.ok) { say(fill(texts.noForms, "status", reply.status)); return null; }
        const whole = read(await reply.text()).getElementById(entry.id);
        const [here, there] = [document.getElementById(entry.id), whole && whole.querySelector(".do")];
        if (!here || !there) return null;
        here.querySelector(".do").replaceWith(document.adoptNode(there));
        document.dispatchEvent(new CustomEvent("entry", { detail: here }));
        return here;
      } catch {
        say(texts.noFormsOffline);
        return null;
      } finally { coming.delete(id); }
    })();
    coming.set(id, fetched);
    return fetched;
  };
  document.addEventListener("forms", async ({ detail: { entry, then } }) => {
    const whole = await forms(entry);
    if (whole) then(whole);
  });
  document.addEventListener("click", async (event) => {
    const asked = event.target.closest("[data-later]");
    if (!asked || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const whole = await forms(asked.closest(".entry"));
    const folded = whole && whole.querySelector(`details.${asked.dataset.later}`);
    if (!folded) return;
    folded.open = true;
    (folded.querySelector("select, input:not([type=hidden])") || folded.querySelector("summary")).focus();
  });

  // Signs of life.
  for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, () => { active = true; }, { passive: true });
  const every = Number(panes.dataset.heartbeat || 60) * 1000;
  const beat = async () => {
    if (document.hidden) return;
    if (signedOut) await signedInAgain();
    const body = new URLSearchParams({ form_token: panes.dataset.formToken, active: active ? "1" : "" });
    active = false;
    try {
      const reply = await fetch(`${item}/heartbeat`, { method: "POST", body });
      if (!reply.ok || reply.redirected) {
        signedOut = true;
        say(texts.sessionEnded);
        return;
      }
      const now = await reply.json();
      const holder = document.getElementById("holder");
      if (holder && now.holder) holder.textContent = now.holder;
      if ("held" in panes.dataset && !now.held) {
        say(now.holder ? fill(texts.lostTo, "holder", now.holder) : texts.lost);
      } else if (String(now.revision) !== panes.dataset.revision && waiting === 0) {
        say(texts.changed);
      } else if (problem() && problem().dataset.offline) {
        delete problem().dataset.offline;
        say("");
      }
    } catch {
      say(texts.offline);
      if (problem()) problem().dataset.offline = "1";
    }
  };
  setInterval(beat, every);
  addEventListener("online", beat);
  addEventListener("offline", beat);

  // Notes that were on the screen for two seconds are read.
  const unread = Array.from(document.querySelectorAll(".note.unread"));
  if (unread.length > 0) {
    const timers = new Map();
    const seen = async (note) => {
      const text = note.querySelector("[data-note]");
      const body = new URLSearchParams({ form_token: panes.dataset.formToken, notes: text.dataset.note });
      try {
        const reply = await fetch(`${item}/seen`, { method: "POST", body });
        if (!reply.ok || reply.redirected) return;
        note.classList.remove("unread");
        const tag = note.querySelector("h2 .tag.warn");
        if (tag) tag.remove();
        const left = document.querySelectorAll(".note.unread").length;
        const count = document.getElementById("unseen");
        if (count) count.textContent = texts.unread[left];
      } catch { /* it stays unread */ }
    };
    const watch = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) {
        clearTimeout(timers.get(target));
        if (isIntersecting && target.classList.contains("unread")) timers.set(target, setTimeout(() => { watch.unobserve(target); seen(target); }, 2000));
      }
    }, { threshold: 0.05 });
    unread.forEach((note) => watch.observe(note));
  }
})();
