"use strict";
/* The dialog that books: a service, a customer who is known or a new guest, and a start on the provider's wall clock. */
window.DaybookBook = (() => {
  const { make, words } = Daybook;
  const dialog = document.getElementById("book");
  const form = dialog.querySelector("form");
  const told = dialog.querySelector(".dialog-told");
  const customer = document.getElementById("book-customer");
  const list = document.getElementById("book-customers");
  const guest = document.getElementById("book-guest");
  let now; // the booking that the dialog is about

  function open({ start, provider, data, config, changed, refreshed }) {
    now = { data, config, changed, refreshed, key: Daybook.key(), customerId: "" };
    form.reset();
    told.replaceChildren();
    close();
    document.getElementById("book-found").textContent = "";
    guest.open = form.querySelector(".rule").open = false;
    form.elements.start.disabled = false;
    DaybookMove.fillProviders(form.elements.provider_id, data, provider);
    form.elements.start.value = start;
    chosen();
    dialog.showModal();
    customer.focus();
  }

  /* The provider was chosen: its zone and its services. */
  async function chosen() {
    const { data, config } = now;
    const id = form.elements.provider_id.value;
    DaybookMove.nameZone(document.getElementById("book-zone"), data, config, id);
    const before = form.elements.service_id.value;
    const answer = await Daybook.ask(`/admin/calendar/services?provider_id=${id}`);
    if (!answer.ok) return DaybookMove.explain(told, answer, config);
    if (id !== form.elements.provider_id.value) return undefined; // another one was chosen meanwhile
    const items = answer.body.items;
    const options = items.map((each) =>
      make("option", { value: each.id }, `${each.name} (${each.minutes} ${config.words.minutes})`));
    form.elements.service_id.replaceChildren(...options);
    document.getElementById("book-no-services").hidden = items.length > 0;
    const wanted = items.some((each) => each.id === before) ? before : now.data.service_id;
    if (items.some((each) => each.id === wanted)) form.elements.service_id.value = wanted;
    return undefined;
  }

  let asked = 0;
  let waiting;
  const PAUSE = 150; // ms: not with each letter

  function typed() {
    now.customerId = "";
    clearTimeout(waiting);
    waiting = setTimeout(find, PAUSE);
  }

  async function find() {
    const text = customer.value.trim();
    const number = (asked += 1);
    if (text.length < 2) return close();
    const answer = await Daybook.ask(`/admin/calendar/customers?q=${encodeURIComponent(text)}`);
    if (number !== asked || now.customerId) return undefined;
    if (!answer.ok) return DaybookMove.explain(told, answer, now.config);
    const items = answer.body.items;
    const found = document.getElementById("book-found");
    found.textContent = items.length ? words(now.config.words.found, { count: items.length }) : now.config.words.nobody_found;
    if (!items.length) suggestGuest(text);
    list.replaceChildren(...items.map((each, place) => option(each, place)));
    list.hidden = !items.length;
    customer.setAttribute("aria-expanded", String(items.length > 0));
    return undefined;
  }

  /* Somebody new: what was typed is their name, unless one was written already. */
  function suggestGuest(text) {
    guest.open = true;
    const name = form.elements.guest_name;
    if (!name.value || name.dataset.suggested === name.value) {
      name.value = text;
      name.dataset.suggested = text;
    }
  }

  function option(each, place) {
    const made = make("li", { role: "option", id: `book-customer-${place}`, "aria-selected": "false" }, each.name);
    if (each.hint) made.append(" ", make("span", { class: "quiet" }, each.hint));
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", () => choose(each));
    made.choose = () => choose(each);
    return made;
  }

  function choose(each) {
    now.customerId = each.id;
    customer.value = each.name;
    guest.open = false;
    for (const field of ["guest_name", "guest_email", "guest_phone"]) form.elements[field].value = "";
    close();
  }

  function close() {
    list.hidden = true;
    customer.setAttribute("aria-expanded", "false");
    customer.removeAttribute("aria-activedescendant");
  }

  function step(by) {
    const options = [...list.children];
    const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
    const next = options[(at + by + options.length) % options.length];
    for (const each of options) each.setAttribute("aria-selected", String(each === next));
    if (next) customer.setAttribute("aria-activedescendant", next.id);
  }

  function onKey(event) {
    if (list.hidden) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (steps[event.key]) step(steps[event.key]);
    else if (event.key === "Enter") (list.querySelector('[aria-selected="true"]') || list.firstChild).choose();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  }

  async function send() {
    const { config, changed, refreshed } = now;
    const fields = Object.fromEntries(new FormData(form));
    const sent = { ...fields, csrf: config.csrf, key: now.key, customer_id: now.customerId };
    const button = document.getElementById("book-send");
    button.disabled = true;
    const answer = await Daybook.ask("/admin/calendar/book", sent);
    if (answer.ok) {
      button.disabled = false;
      dialog.close();
      return changed(answer.body);
    }
    if (answer.status) now.key = Daybook.key();
    if (answer.body.customer_id) now.customerId = answer.body.customer_id; // the guest is entered: not once more
    DaybookMove.explain(told, answer, config);
    DaybookMove.openRule(form, answer.body.rule);
    await refreshed(); // with the token of the session that is open now
    button.disabled = false;
    return undefined;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.elements.provider_id.addEventListener("change", chosen);
  form.elements.walk_in.addEventListener("change", (event) => {
    form.elements.start.disabled = event.target.checked;
  });
  form.elements.guest_name.addEventListener("input", () => {
    now.customerId = "";
  });
  customer.addEventListener("input", typed);
  customer.addEventListener("keydown", onKey);
  customer.addEventListener("blur", close);
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());

  return { open };
})();
