"use strict";
/* Paints the hours of a week with the mouse or a finger. The text of a day stays what is sent, and what keys edit. */
(() => {
  const STEPS = 48; // half hours
  const MINUTES = 30;
  const WINDOW = /^(\d{1,2}):(\d{2}) ?[-–] ?(\d{1,2}):(\d{2})$/;
  const days = Array.from(document.querySelectorAll(".weekday"));
  let painting = null;

  const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

  /* The windows of a text in minutes; null for what is no such text, or reaches past midnight: that is not painted. */
  function read(text) {
    const found = [];
    for (const part of text.split(",").map((each) => each.trim()).filter(Boolean)) {
      const match = WINDOW.exec(part);
      if (!match) return null;
      const [opens, closes] = [match[1] * 60 + +match[2], match[3] * 60 + +match[4]];
      if (closes <= opens || closes > 1440) return null;
      found.push([opens, closes]);
    }
    return found;
  }

  function write(windows) {
    const joined = [];
    for (const [opens, closes] of windows.sort((a, b) => a[0] - b[0])) {
      const last = joined[joined.length - 1];
      if (last && opens <= last[1]) last[1] = Math.max(last[1], closes);
      else joined.push([opens, closes]);
    }
    return joined.map(([opens, closes]) => `${clock(opens)}-${clock(closes)}`).join(", ");
  }

  function draw(day) {
    const windows = read(day.querySelector("input").value);
    day.querySelectorAll(".paint i").forEach((cell, n) => {
      const middle = n * MINUTES + MINUTES / 2;
      cell.classList.toggle("open", (windows || []).some(([opens, closes]) => opens < middle && middle < closes));
    });
    day.querySelector(".paint").hidden = windows === null;
  }

  function set(day, from, to, open) {
    const [since, until] = [Math.min(from, to) * MINUTES, (Math.max(from, to) + 1) * MINUTES];
    const rest = painting.before.flatMap(([opens, closes]) => [
      [opens, Math.min(closes, since)],
      [Math.max(opens, until), closes],
    ]);
    day.querySelector("input").value = write([...rest.filter(([opens, closes]) => opens < closes), ...(open ? [[since, until]] : [])]);
    draw(day);
  }

  function step(day, event) {
    const box = day.querySelector(".paint").getBoundingClientRect();
    return Math.max(0, Math.min(STEPS - 1, Math.floor(((event.clientX - box.left) / box.width) * STEPS)));
  }

  for (const day of days) {
    const [paint, text, copy] = [day.querySelector(".paint"), day.querySelector("input"), day.querySelector(".copy")];
    for (let n = 0; n < STEPS; n += 1) {
      const cell = document.createElement("i");
      cell.title = clock(n * MINUTES);
      paint.append(cell);
    }
    copy.hidden = false;
    text.addEventListener("input", () => draw(day));
    paint.addEventListener("pointerdown", (event) => {
      const before = read(text.value);
      if (before === null || event.button !== 0) return;
      event.preventDefault();
      const from = step(day, event);
      painting = { before, from, open: !paint.children[from].classList.contains("open") };
      paint.setPointerCapture(event.pointerId);
      set(day, from, from, painting.open);
    });
    paint.addEventListener("pointermove", (event) => {
      if (painting) set(day, painting.from, step(day, event), painting.open);
    });
    for (const end of ["pointerup", "pointercancel"]) paint.addEventListener(end, () => { painting = null; });
    copy.addEventListener("click", () => {
      for (const other of days.slice(0, 5)) {
        other.querySelector("input").value = text.value;
        draw(other);
      }
    });
    draw(day);
  }
})();
