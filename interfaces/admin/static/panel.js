"use strict";
/* What the scripts of the panel share: JSON of the page, elements, requests, and a line that screen readers say. */
window.Daybook = {
  read: (id) => JSON.parse(document.getElementById(id).textContent),

  make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  },

  /* The words with values in their places: %(name)s. */
  words: (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? ""),

  tell(text) {
    document.getElementById("told").textContent = text;
  },

  key: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join(""),

  /* The JSON of an answer. What is no JSON is the sign-in page, or a server that is down: `status` is 401 or 0. */
  async ask(path, fields) {
    const sent = fields === undefined ? {} : { method: "POST", body: new URLSearchParams(fields) };
    try {
      const answer = await fetch(path, { ...sent, headers: { accept: "application/json" } });
      const isJson = (answer.headers.get("content-type") || "").startsWith("application/json");
      if (isJson) return { ok: answer.ok, status: answer.status, body: await answer.json() };
      return { ok: false, status: answer.status < 500 ? 401 : 0, body: {} };
    } catch {
      return { ok: false, status: 0, body: {} };
    }
  },
};
