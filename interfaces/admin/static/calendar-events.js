"use strict";
/* From the JSON of the calendar to its events. All times are wall-clock text of the provider, never of this browser:
   a Date here is always one whose UTC fields are the wall clock. */
window.DaybookEvents = (() => {
  const { make } = Daybook;
  const MOVABLE = new Set(["booked", "requested"]);

  const asDate = (wall) => new Date(`${wall}Z`);
  const asWall = (date) => date.toISOString().slice(0, 16);

  /* The wall time so many days and seconds later. */
  function later(wall, { days = 0, seconds = 0 }) {
    return asWall(new Date(asDate(wall).getTime() + (days * 86400 + seconds) * 1000));
  }

  function all(data, config) {
    const found = data.shades.map((each, number) => ({
      id: `shade-${number}`,
      resourceIds: [each.provider_id],
      start: each.start,
      end: each.end,
      display: "background",
      classNames: [`shade-${each.kind}`],
    }));
    for (const each of data.columns) {
      found.push({
        id: `now-${each.id}`,
        resourceIds: [each.id],
        start: each.now,
        end: later(each.now, { seconds: 60 }),
        display: "background",
        classNames: ["now-line"],
      });
    }
    for (const each of data.appointments) {
      found.push({
        id: each.id,
        resourceIds: [each.provider_id],
        start: each.start,
        end: each.end,
        title: each.customer,
        editable: config.may.move && MOVABLE.has(each.status),
        classNames: [`is-${each.status}`],
        extendedProps: each,
      });
    }
    return found;
  }

  /* Status by sign and word, then time, person and service. */
  function content(info, config) {
    const row = info.event.extendedProps;
    if (!row.status) return undefined;
    const time = info.event.display === "preview" ? info.timeText : row.clock;
    const sign = make("span", { class: `sign tone-${row.status}` }, make("span", { class: "sr" }, config.statuses[row.status]));
    const who = make("div", { class: "event-who" }, sign, " ", row.customer);
    const what = make("div", { class: "event-what" }, time, " ", row.service);
    return { domNodes: [who, what, make("span", { class: "sr" }, row.provider)] };
  }

  function resources(data) {
    const zones = new Set(data.columns.map((each) => each.zone));
    return data.columns.map((each) => ({
      id: each.id,
      title: zones.size > 1 ? `${each.name} (${each.zone})` : each.name,
    }));
  }

  /* Dates as people write them: of the wall clock, so that the zone of this browser has no part in it. */
  const written = (locale, format) => new Intl.DateTimeFormat(locale, { ...format, timeZone: "UTC", year: "numeric" });
  const longDay = (day, locale) =>
    written(locale, { weekday: "long", day: "numeric", month: "long" }).format(asDate(`${day}T00:00`));
  const range = (first, last, locale) =>
    written(locale, { day: "numeric", month: "short" }).formatRange(asDate(`${first}T00:00`), asDate(`${last}T00:00`));

  /* From an hour before the first opening or appointment to an hour after the last. */
  function limits(data) {
    const hour = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:00`;
    return {
      slotMinTime: hour(Math.max(0, data.hours[0] - 60)),
      slotMaxTime: hour(Math.min(1440, Math.ceil(data.hours[1] / 60) * 60 + 60)),
    };
  }

  return { all, content, later, limits, longDay, range, resources };
})();
