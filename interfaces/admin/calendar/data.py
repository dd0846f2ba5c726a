"""A day or a week as JSON: columns, shades and appointments, all on the providers' wall clocks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.booking.appointment_status import AppointmentStatus
from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import day_bounds, zone
from interfaces.admin.calendar.clock import A_DAY, at_minute, clock, read, repeated, skipped, wall, written
from interfaces.admin.calendar.columns import Row, open_minutes, plans_of, providers_of, shades
from interfaces.admin.calendar.wanted import CalendarQuery
from interfaces.admin.operations import Call, run
from interfaces.admin.request import PanelRequest
from projections.availability.day_plan import DayPlan

SHOWN = (
    AppointmentStatus.REQUESTED,
    AppointmentStatus.BOOKED,
    AppointmentStatus.CHECKED_IN,
    AppointmentStatus.COMPLETED,
    AppointmentStatus.NO_SHOW,
)
PAGE, MOST_PAGES = 200, 10
"""So many appointments at most; then the page says that there are more."""


async def calendar_data(asked: PanelRequest, wanted: CalendarQuery, after: str = "") -> Mapping[str, Any]:
    """`after`: the position that the answer must include."""
    providers, following = await providers_of(asked, wanted)
    now = asked.ports.store.now()
    if wanted.day is None:
        home = zone(providers[0]["timezone"]) if providers else UTC
        wanted = wanted.on(now.astimezone(home).date())
    plans = await plans_of(asked, providers, wanted, after)
    zones = {id: zone(plan.hours.timezone) for id, plan in plans.items()}
    rows, partial = await _appointments(asked, wanted, zones, after)
    columns = [{"id": each["id"], "name": each["name"]} for each in providers if each["id"] in zones]
    appointments = [_appointment(asked, row, zones[row["provider_id"]]) for row in rows]
    return {
        **_frame(asked, wanted, next((zones[each["id"]] for each in columns), ZoneInfo("UTC")), now),
        "hours": _hours(wanted.days, plans, zones, appointments),
        "columns": [{**each, **_clock_of(zones[each["id"]], now)} for each in columns],
        "shades": [{"provider_id": id, **each} for id in zones for each in shades(plans[id], wanted.days, zones[id])],
        "appointments": appointments,
        "changes": _changes(asked, wanted.days, sorted(set(zones.values()), key=str)),
        "next": following,
        "partial": partial,
    }


def _frame(asked: PanelRequest, wanted: CalendarQuery, home: ZoneInfo, now: datetime) -> Mapping[str, Any]:
    """What was asked for, and the offset by which the script knows the present day."""
    return {
        "csrf": asked.form_token,
        "date": str(wanted.day),
        "days": [str(each) for each in wanted.days],
        "view": wanted.view,
        "service_id": wanted.service_id,
        "offset": now.astimezone(home).isoformat()[-6:],
    }


def _hours(
    days: Sequence[date],
    plans: Mapping[str, DayPlan],
    zones: Mapping[str, ZoneInfo],
    appointments: Sequence[Mapping[str, Any]],
) -> tuple[int, int]:
    """The first and the last minute at which a day has something to show."""
    found = [each for id, tz in zones.items() for day in days for each in open_minutes(plans[id], day, tz)]
    for each in appointments:
        since, until = (datetime.fromisoformat(each[name]) for name in ("start", "end"))
        ends = until.hour * 60 + until.minute if until.date() == since.date() else A_DAY
        found.append((since.hour * 60 + since.minute, ends))
    return (min(each[0] for each in found), max(each[1] for each in found)) if found else (480, 1080)


def _clock_of(tz: ZoneInfo, now: datetime) -> Mapping[str, str]:
    return {"zone": tz.key, "now": wall(now, tz)}


async def _appointments(
    asked: PanelRequest, wanted: CalendarQuery, zones: Mapping[str, ZoneInfo], after: str
) -> tuple[list[Row], bool]:
    """Those of the columns, and whether there are more."""
    found: list[Row] = []
    if not zones:
        return found, False
    bounds = [day_bounds(day, tz) for tz in set(zones.values()) for day in (wanted.days[0], wanted.days[-1])]
    span = Interval(min(each.start for each in bounds), max(each.end for each in bounds))
    query = {
        "from": written(span.start),
        "to": written(span.end),
        "overlapping": "true",
        "status": ",".join(SHOWN),
        "provider_id": ",".join(zones),
        "service_id": wanted.service_id,
        "limit": str(PAGE),
    }
    cursor = ""
    for _ in range(MOST_PAGES):
        answer = (await run(asked, Call("list_appointments", query={**query, "cursor": cursor}, after=after))).body
        found += answer["items"]
        cursor = answer["next"] or ""
        if not cursor:
            break
    return found, bool(cursor)


def _appointment(asked: PanelRequest, row: Row, tz: ZoneInfo) -> Mapping[str, Any]:
    """`moment`: the start as an instant, for a move that keeps it."""
    start, end = read(row["start"]), read(row["end"])
    shown = (wall(start, tz), wall(end, tz))
    if shown[1] <= shown[0]:  # it ends in an hour that happens twice
        shown = (shown[0], wall(start.astimezone(tz).replace(tzinfo=UTC) + (end - start), ZoneInfo("UTC")))
    return {
        "id": row["id"],
        "version": row["version"],
        "status": row["status"],
        "provider_id": row["provider_id"],
        "customer_id": row["customer_id"],
        "customer": (row.get("customer") or {}).get("name") or asked.language.say("nameless"),
        "provider": (row.get("provider") or {}).get("name") or "",
        "service": (row.get("service") or {}).get("name") or "",
        "start": shown[0],
        "end": shown[1],
        "moment": row["start"],
        "clock": f"{clock(start, tz)}\N{EN DASH}{clock(end, tz)}",
    }


def _changes(asked: PanelRequest, days: Sequence[date], zones: Sequence[ZoneInfo]) -> list[str]:
    """A sentence for each clock change on these days."""
    said = []
    for tz in zones:
        for day in days:
            for key, hours in (("calendar.skipped", skipped(day, tz)), ("calendar.repeated", repeated(day, tz))):
                if hours is not None:
                    since, until = (at_minute(day, each)[11:] for each in hours)
                    said.append(
                        asked.language.say(key, zone=tz.key, since=since, until=until, day=asked.language.day(day))
                    )
    return said
