// A part of a page that moves -> the same part as the server has it now, asked for every few seconds.
"use strict";
(() => {
  const MOVING = 2000, STILL = 10000, AWAY = 20000; // milliseconds between two questions

  function watch(live) {
    const note = document.getElementById(live.dataset.liveNote);
    let etag = "", timer = 0, says = words(live);

    async function ask() {
      clearTimeout(timer);
      if (document.hidden) return;
      let wait = STILL;
      try {
        const headers = etag ? { "If-None-Match": etag } : {};
        const answer = await fetch(live.dataset.live, { headers, cache: "no-store", credentials: "same-origin" });
        if (answer.redirected || answer.status === 403 || answer.status === 404) {
          live.setAttribute("data-away", "");
          return tell(live.dataset.gone || "");
        }
        if (!answer.ok && answer.status !== 304) throw new Error(String(answer.status));
        if (answer.status === 200) {
          etag = answer.headers.get("ETag") || "";
          renew(live, await answer.text());
        }
        live.removeAttribute("data-away");
        const now = words(live);
        if (now !== says) tell((says = now));
        if (live.querySelector("[data-moving]")) wait = MOVING;
      } catch {
        live.setAttribute("data-away", "");
        tell(live.dataset.away || "");
        wait = AWAY;
      }
      timer = setTimeout(ask, wait);
    }

    function tell(sentence) {
      if (note && sentence) note.textContent = sentence;
    }

    document.addEventListener("visibilitychange", ask);
    timer = setTimeout(ask, live.querySelector("[data-moving]") ? MOVING : STILL);
  }

  // What a screen reader hears when it changes: not every count, only what is to be done.
  function words(live) {
    const element = live.querySelector("[data-says]");
    return element ? element.textContent.trim() : "";
  }

  // Sections that are as they were stay as they are, with what somebody opened or typed in them.
  function renew(live, html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const old = new Map(Array.from(live.children, (element) => [element.id, element]));
    const focused = document.activeElement && document.activeElement.id;
    const parts = Array.from(fresh.body.children, (element) => {
      const before = old.get(element.id);
      if (before && before.dataset.html === element.outerHTML) return before;
      element.dataset.html = element.outerHTML;
      if (before) keep(before, element);
      return element;
    });
    live.replaceChildren(...parts);
    tick(live);
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  }

  function keep(before, after) {
    for (const field of before.querySelectorAll("input[id]")) {
      const same = after.querySelector(`#${CSS.escape(field.id)}`);
      if (same) same.value = field.value;
    }
    for (const open of before.querySelectorAll("details[id][open]")) {
      const same = after.querySelector(`#${CSS.escape(open.id)}`);
      if (same) same.open = true;
    }
  }

  // How long ago something began, counted on without asking.
  function tick(root) {
    for (const element of root.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(element.dataset.since)) / 1000));
      const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
      element.textContent = parts[0] ? `${hours}:${minutes}:${rest}` : `${minutes}:${rest}`;
    }
  }

  for (const live of document.querySelectorAll("[data-live]")) watch(live);
  setInterval(() => tick(document), 1000);
  tick(document);
})();
