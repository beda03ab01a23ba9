// Keys -> the buttons that carry them in data-keys. Without this file the buttons do all there is to do.
(() => {
  "use strict";
  const STORED = "cj-judging-keys";
  const PLACE = "cj-judging-place";
  const box = document.getElementById("keys");
  let on = localStorage.getItem(STORED) !== "off";
  let gone = false; // a page that is being left takes no more keys: each would be a second answer

  if (box) {
    box.checked = on;
    box.addEventListener("change", () => {
      on = box.checked;
      localStorage.setItem(STORED, on ? "on" : "off");
    });
  }
  // An answer loads the page anew: whoever reads on finds the same lines before them.
  const pair = document.querySelector("[name=comparison]")?.value ?? "";
  document.addEventListener("submit", () => {
    gone = true;
    sessionStorage.setItem(PLACE, JSON.stringify({ pair, y: window.scrollY }));
  });
  window.addEventListener("pageshow", () => { gone = false; });
  const before = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
  if (pair && before.pair === pair) window.scrollTo(0, before.y);
  document.querySelector("[data-focus]")?.focus({ preventScroll: true });

  const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  const acting = (target) => target.closest("button, a, summary") !== null;

  document.addEventListener("keydown", (event) => {
    if (!on || gone || event.repeat || event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    if (event.key === "Enter" && acting(event.target)) return; // the browser presses what has the focus
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const button = [...document.querySelectorAll("[data-keys]")].find((one) => one.dataset.keys.split(" ").includes(key));
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
