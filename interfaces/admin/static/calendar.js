"use strict";
/* The calendar: what the address asks for, drawn; moves and bookings go through the dialogs. */
(() => {
  const { make, words } = Daybook;
  const config = Daybook.read("calendar-config");
  let data = Daybook.read("calendar-data");
  const narrow = matchMedia("(max-width: 800px)");
  const filters = document.getElementById("filters");
  const VIEWS = { day: "resourceTimeGridDay", week: "resourceTimeGridWeek" };
  const EVERY = 30_000; // ms
  let alone = {};
  let dragging = false;
  let asked = 0;
  let wanted = read();

  function read() {
    const query = new URLSearchParams(location.search);
    for (const each of ["done", "after"]) query.delete(each);
    return query;
  }

  const address = () => `/admin/calendar${[...wanted].length ? `?${wanted}` : ""}`;
  const isBusy = () => dragging || document.querySelector("dialog[open]") !== null;

  /* Another day, view or filter. */
  function go(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value) wanted.set(name, value);
      else wanted.delete(name);
    }
    history.pushState(null, "", address());
    return load();
  }

  async function load({ after = "", auto = false } = {}) {
    const number = (asked += 1);
    const query = new URLSearchParams(wanted);
    if (after) query.set("after", after);
    if (auto) query.set("auto", "1");
    const answer = await Daybook.ask(`/admin/calendar/data?${query}`);
    if (number !== asked || (auto && isBusy())) return;
    const notices = document.getElementById("notices");
    if (!answer.ok) {
      DaybookMove.explain(notices, answer, config);
      return;
    }
    data = answer.body;
    config.csrf = data.csrf;
    draw();
  }

  /* On a telephone one provider at a time: the one that was chosen, else the first who has something to do. It stays the
     same as long as the address does. */
  function shown() {
    if (!narrow.matches || data.columns.length < 2) return data;
    if (alone.at !== address() || !data.columns.some((each) => each.id === alone.id)) {
      const busy = new Set(data.appointments.map((each) => each.provider_id));
      alone = { at: address(), id: (data.columns.find((each) => busy.has(each.id)) || data.columns[0]).id };
    }
    const { id } = alone;
    return {
      ...data,
      columns: data.columns.filter((each) => each.id === id),
      shades: data.shades.filter((each) => each.provider_id === id),
      appointments: data.appointments.filter((each) => each.provider_id === id),
    };
  }

  function options() {
    const seen = shown();
    const days = data.view === "week" ? 7 : 1;
    return {
      view: VIEWS[data.view],
      date: data.date,
      resources: DaybookEvents.resources(seen),
      ...DaybookEvents.limits(data),
      events: DaybookEvents.all(seen, config),
      datesAboveResources: days > 1 && seen.columns.length > 1,
      columnWidth: narrow.matches && days === 1 ? undefined : "minmax(110px, 1fr)",
    };
  }

  /* An hour before now; before the first opening where now is another day, or before or after all that there is. */
  function scrollTime() {
    const today = data.columns.find((each) => data.days.includes(each.now.slice(0, 10)));
    const now = today ? Number(today.now.slice(11, 13)) * 60 : -1;
    const minutes = (now >= data.hours[0] - 60 && now <= data.hours[1] ? now : data.hours[0]) - 60;
    return `${String(Math.max(0, Math.floor(minutes / 60))).padStart(2, "0")}:00`;
  }

  /* A week that is wider than the window begins with today. */
  function scrollToToday() {
    const main = host.querySelector(".ec-main"), today = host.querySelector(".ec-col-head .ec-today, .ec-col-head.ec-today, .ec-day.ec-today");
    if (!main || !today) return;
    const side = host.querySelector(".ec-sidebar");
    main.scrollLeft += today.getBoundingClientRect().left - side.getBoundingClientRect().right;
  }

  /* The grid of the library says that it is a table, without being one: appointments lie beside its cells. */
  const host = document.getElementById("calendar");
  new MutationObserver(() => {
    for (const each of host.querySelectorAll("[role]:not(article)")) {
      for (const name of ["role", "aria-colindex", "aria-colspan"]) each.removeAttribute(name);
    }
  }).observe(host, { childList: true, subtree: true });

  let applied = options();
  const calendar = EventCalendar.create(host, {
    ...applied,
    scrollTime: scrollTime(),
    locale: config.locale,
    timeZone: data.offset,
    firstDay: 1,
    headerToolbar: { start: "", center: "", end: "" },
    allDaySlot: false,
    nowIndicator: false,
    slotDuration: "00:15",
    slotLabelInterval: "01:00",
    slotHeight: 20,
    snapDuration: "00:15",
    slotEventOverlap: false,
    eventDurationEditable: false,
    pointer: config.may.book,
    eventTimeFormat: { hour: "2-digit", minute: "2-digit" },
    slotLabelFormat: { hour: "2-digit", minute: "2-digit" },
    eventContent: (info) => DaybookEvents.content(info, config),
    eventClick: (info) => {
      info.jsEvent.preventDefault(); // the key that opens the dialog must not press a button of it
      showDetails(info.event.extendedProps);
    },
    eventDragStart: () => { dragging = true; },
    eventDragStop: () => { dragging = false; },
    eventDrop: dropped,
    dateClick: (info) => config.may.book && book(info.dateStr.slice(0, 16), info.resource.id),
  });

  /* Only what has changed: the calendar scrolls back whenever it is told of its day. */
  function draw() {
    const before = applied;
    applied = options();
    const isOther = before.date !== applied.date || before.view !== applied.view;
    if (isOther) {
      calendar.setOption("scrollTime", scrollTime());
      requestAnimationFrame(scrollToToday);
    }
    for (const [name, value] of Object.entries(applied)) {
      if (JSON.stringify(value) !== JSON.stringify(before[name])) calendar.setOption(name, value);
    }
    drawAround();
  }

  function drawAround() {
    const last = data.days[data.days.length - 1];
    const title = data.view === "week"
      ? DaybookEvents.range(data.days[0], last, config.locale)
      : DaybookEvents.longDay(data.days[0], config.locale);
    document.getElementById("calendar-title").textContent = title;
    document.title = `${title} · Daybook`;
    const isEmpty = !data.columns.length;
    document.getElementById("empty").hidden = !isEmpty;
    host.hidden = isEmpty;
    const said = [...data.changes, ...(data.partial ? [config.words.partial] : [])];
    document.getElementById("notices").replaceChildren(...said.map((each) => make("p", { class: "alert alert-warning" }, each)));
    for (const [id, by] of [["previous", -1], ["following", 1]]) {
      document.getElementById(id).href = `/admin/calendar?${with_({ date: moved(by) })}`;
    }
    document.getElementById("now").href = `/admin/calendar?${with_({ date: "" })}`;
    document.getElementById("more").hidden = !data.next;
    document.querySelector("#more a").href = `/admin/calendar?${with_({ cursor: data.next })}`;
    for (const each of document.querySelectorAll("[data-view]")) {
      each.setAttribute("aria-pressed", String(each.dataset.view === data.view));
    }
    filters.elements.date.value = data.date;
    const { columns } = shown();
    filters.elements.provider_id.value = wanted.get("provider_id") || (narrow.matches && columns.length ? columns[0].id : "");
  }

  function with_(changes) {
    const query = new URLSearchParams(wanted);
    for (const [name, value] of Object.entries(changes)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    return query;
  }

  /* Of what is asked for, which may not be drawn yet: keys are quicker than answers. */
  function moved(by) {
    const day = wanted.get("date") || (data.columns.length ? data.columns[0].now.slice(0, 10) : data.date);
    const days = by * (wanted.get("view") === "week" ? 7 : 1);
    return DaybookEvents.later(`${day}T00:00`, { days }).slice(0, 10);
  }

  const about = () => ({ data, config, changed, refreshed: load });

  function changed({ done, position }) {
    Daybook.tell(done);
    return load({ after: position });
  }

  function showDetails(row) {
    const moves = config.may.move && ["booked", "requested"].includes(row.status)
      ? () => DaybookMove.open({ row, start: row.start, provider: row.provider_id, revert: null, ...about() })
      : null;
    DaybookMove.details({ row, data, config, here: address(), moves });
  }

  function dropped({ event, delta, newResource, revert }) {
    const row = event.extendedProps;
    const start = DaybookEvents.later(row.start, delta);
    DaybookMove.open({ row, start, provider: newResource ? newResource.id : row.provider_id, revert, ...about() });
  }

  function book(start, provider) {
    DaybookBook.open({ start, provider, ...about() });
  }

  /* Without a click on a time: the next quarter of an hour, or the opening of another day. */
  function bookSoon() {
    const column = shown().columns[0];
    if (!column || !config.may.book) return;
    const soon = DaybookEvents.later(column.now, { seconds: 900 - (Number(column.now.slice(14)) % 15) * 60 });
    const opens = `${data.date}T${DaybookEvents.limits({ hours: [data.hours[0] + 60, 0] }).slotMinTime}`;
    book(soon.slice(0, 10) === data.date ? soon : opens, column.id);
  }

  /* By what a key writes, and by its place: a keyboard may write Cyrillic. */
  const toToday = () => go({ date: "" });
  const KEYS = {
    ArrowLeft: () => go({ date: moved(-1) }),
    ArrowRight: () => go({ date: moved(1) }),
    t: toToday,
    KeyT: toToday,
    b: bookSoon,
    KeyB: bookSoon,
  };
  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key] || KEYS[event.code];
    const typing = event.target.closest("input, select, textarea, dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !act) return;
    event.preventDefault();
    act();
  });
  for (const [id, date] of [["previous", () => moved(-1)], ["following", () => moved(1)], ["now", () => ""]]) {
    document.getElementById(id).addEventListener("click", (event) => {
      event.preventDefault();
      go({ date: date() });
    });
  }
  for (const each of document.querySelectorAll("[data-view]")) {
    each.addEventListener("click", () => go({ view: each.dataset.view, date: data.date, cursor: "" }));
  }
  filters.addEventListener("change", ({ target }) => {
    if (target.value || target.name !== "date") go({ [target.name]: target.value, cursor: "" });
  });
  document.getElementById("print").addEventListener("click", () => print());
  document.getElementById("book-button")?.addEventListener("click", bookSoon);
  narrow.addEventListener("change", draw);
  addEventListener("popstate", () => {
    wanted = read();
    for (const name of ["provider_id", "service_id", "tag"]) filters.elements[name].value = wanted.get(name) || "";
    load();
  });
  setInterval(() => {
    if (document.visibilityState === "visible" && !isBusy()) load({ auto: true });
  }, EVERY);
  history.replaceState(null, "", address());
  drawAround();
  requestAnimationFrame(scrollToToday);
})();
