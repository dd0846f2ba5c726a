"use strict";
/* The dialogs of an appointment: what can be done with it, and where to move it. */
window.DaybookMove = (() => {
  const { make, words } = Daybook;
  const dialog = document.getElementById("move");
  const form = dialog.querySelector("form");
  const told = dialog.querySelector(".dialog-told");
  let now; // the move that the dialog is about

  /* The refusal in its own words, and who did what meanwhile. */
  function explain(where, answer, config) {
    const { body, status } = answer;
    const said = config.words;
    const lines = [make("strong", {}, body.problem || (status === 401 ? said.signed_out : said.offline))];
    for (const each of new Set([body.detail, ...(body.errors || [])])) {
      if (each) lines.push(make("div", { lang: "en" }, each));
    }
    if (status === 401) {
      lines.push(make("div", {}, make("a", { href: "/admin/sign-in", target: "_blank" }, said.sign_in)));
    }
    if (status === 412) {
      const what = (body.meanwhile || []).map((each) => make("li", {}, `${each.when}: ${each.who} – ${each.what}`));
      lines.push(make("div", {}, said.meanwhile), make("ul", {}, ...what), make("div", {}, said.meanwhile_kept));
    }
    where.replaceChildren(make("div", { class: "alert alert-danger" }, make("div", {}, ...lines)));
    where.scrollIntoView({ block: "nearest" });
  }

  const moment = (row, config) => `${DaybookEvents.longDay(row.start.slice(0, 10), config.locale)}, ${row.clock}`;

  function openRule(form, rule) {
    const details = form.querySelector(".rule");
    details.open = details.open || Boolean(rule);
    if (rule) form.elements.rules.value = rule;
  }

  function fillProviders(select, data, chosen) {
    select.replaceChildren(...data.columns.map((each) => make("option", { value: each.id }, each.name)));
    select.value = chosen;
  }

  function nameZone(hint, data, config, id) {
    const column = data.columns.find((each) => each.id === id);
    hint.textContent = column ? words(config.words.wall_clock, { zone: column.zone }) : "";
  }

  /* `revert`: puts a dropped appointment back. */
  function open({ row, start, provider, revert, data, config, changed, refreshed }) {
    now = { row, revert, data, config, changed, refreshed, key: Daybook.key(), version: row.version };
    form.reset();
    told.replaceChildren();
    form.querySelector(".rule").open = false;
    fillProviders(form.elements.provider_id, data, provider);
    nameZone(document.getElementById("move-zone"), data, config, provider);
    form.elements.start.value = start;
    const was = data.columns.find((each) => each.id === row.provider_id);
    document.getElementById("move-title").textContent = `${config.words.move_title}: ${row.customer}`;
    document.getElementById("move-was").textContent =
      `${config.words.was} ${moment(row, config)}, ${was ? was.name : ""} · ${row.service}`;
    dialog.showModal();
    document.getElementById("move-send").focus();
  }

  async function send() {
    const { row, config, changed, refreshed } = now;
    const fields = Object.fromEntries(new FormData(form));
    const sent = { ...fields, csrf: config.csrf, version: now.version, key: now.key, moment: row.moment };
    const button = document.getElementById("move-send");
    button.disabled = true;
    const answer = await Daybook.ask(`/admin/calendar/${row.id}/move`, sent);
    if (answer.ok) {
      button.disabled = false;
      now.revert = null;
      dialog.close();
      return changed(answer.body);
    }
    if (answer.status) now.key = Daybook.key();
    undo();
    explain(told, answer, config);
    openRule(form, answer.body.rule);
    if (answer.status === 412) now.version = answer.body.version;
    await refreshed(); // with the token of the session that is open now
    button.disabled = false;
    return undefined;
  }

  function undo() {
    if (now && now.revert) now.revert();
    if (now) now.revert = null;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.elements.provider_id.addEventListener("change", (event) =>
    nameZone(document.getElementById("move-zone"), now.data, now.config, event.target.value));
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", undo);

  /* What an appointment is, and the forms that its state suggests: they come back to this address. */
  function details({ row, data, config, here, moves }) {
    const box = document.getElementById("details");
    const column = data.columns.find((each) => each.id === row.provider_id);
    document.getElementById("details-title").textContent = row.customer;
    const facts = [
      [config.words.start, moment(row, config)],
      [config.words.provider, column ? column.name : ""],
      [config.words.service, row.service],
    ];
    document.getElementById("details-facts").replaceChildren(
      make("div", {}, make("dt", {}, make("span", { class: `badge tone-${row.status}` }, config.statuses[row.status])), make("dd")),
      ...facts.map(([label, text]) => make("div", {}, make("dt", {}, label), make("dd", {}, text))),
    );
    const actions = (config.actions[row.status] || []).map((each) => act(each, row, config, here));
    if (moves) {
      const button = make("button", { class: "btn", type: "button", id: "details-move" }, `${config.words.move_title} …`);
      button.addEventListener("click", () => {
        box.close();
        moves();
      });
      actions.push(button);
    }
    document.getElementById("details-actions").replaceChildren(...actions);
    document.getElementById("details-card").href = `/admin/appointments/${row.id}`;
    box.showModal();
  }

  function act({ path, label, asks }, row, config, here) {
    const action = `/admin/appointments/${row.id}/${path}`;
    if (asks) return make("a", { class: "btn", href: `${action}?next=${encodeURIComponent(here)}` }, label);
    const hidden = { csrf: config.csrf, version: row.version, key: Daybook.key(), next: here };
    const inputs = Object.entries(hidden).map(([name, value]) => make("input", { type: "hidden", name, value }));
    return make("form", { method: "post", action }, ...inputs, make("button", { class: "btn", type: "submit" }, label));
  }

  return { details, explain, fillProviders, nameZone, open, openRule };
})();
