"use strict";
/* Today refreshes itself, box by box: one in which somebody types or has the focus stays as it is. */
(() => {
  const EVERY = 30_000; // ms
  document.querySelector(".today-script").hidden = false;

  const isInUse = (box) =>
    box.contains(document.activeElement) ||
    [...box.querySelectorAll("input:not([type=hidden]), textarea")].some((each) => each.value !== each.defaultValue);

  async function refresh() {
    if (document.visibilityState !== "visible") return;
    let text;
    try {
      const answer = await fetch("/admin/today?auto=1");
      if (!answer.ok || answer.redirected) return;
      text = await answer.text();
    } catch {
      return; // the next one may succeed
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.getElementById("today")) return;
    for (const box of document.querySelectorAll("#today > * > [id], #today-day")) {
      const fresh = page.getElementById(box.id);
      if (fresh && !isInUse(box)) box.replaceWith(document.adoptNode(fresh));
    }
  }

  setInterval(refresh, EVERY);
})();
