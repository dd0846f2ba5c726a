"use strict";
/* A page that refreshes itself, box by box: one in which somebody types or has the focus stays as it is.

   `data-refresh`: its address; `data-every`: milliseconds; `data-fresh`: its boxes, each with an id. */
(() => {
  const root = document.querySelector("[data-refresh]");
  document.querySelectorAll(".refresh-script").forEach((each) => (each.hidden = false));

  const isInUse = (box) =>
    box.contains(document.activeElement) ||
    [...box.querySelectorAll("input:not([type=hidden]), textarea")].some((each) => each.value !== each.defaultValue);

  /* What the person has opened or closed stays so. */
  function keepOpen(box, fresh) {
    const before = box.querySelectorAll("details");
    fresh.querySelectorAll("details").forEach((each, number) => {
      if (before[number]) each.open = before[number].open;
    });
  }

  async function refresh() {
    if (document.visibilityState !== "visible") return;
    let text;
    try {
      const answer = await fetch(`${root.dataset.refresh}?auto=1`);
      if (!answer.ok || answer.redirected) return;
      text = await answer.text();
    } catch {
      return; // the next one may succeed
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.querySelector("[data-refresh]")) return;
    for (const box of root.querySelectorAll("[data-fresh]")) {
      const fresh = page.getElementById(box.id);
      if (!fresh || isInUse(box)) continue;
      keepOpen(box, fresh);
      box.replaceWith(document.adoptNode(fresh));
    }
  }

  setInterval(refresh, Number(root.dataset.every));
})();
