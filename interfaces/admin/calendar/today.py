"""Today: who is here, who is late, what comes next, and what waits for a decision, each with its forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.scheduling.wallclock import zone
from interfaces.admin.booking.appointment import APPOINTMENTS
from interfaces.admin.calendar.clock import clock, read, written
from interfaces.admin.calendar.one_click import TODAY, one_click
from interfaces.admin.calendar.states import ACTIONS
from interfaces.admin.calendar.waiting import failures, offers
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest

PATH, OPERATION = TODAY, "list_appointments"
NEXT, MOST = 12, 50
_A_DAY = timedelta(days=1)
ORPHAN_ACTIONS = ("reschedule_appointment", "keep_appointment", "ask_to_rebook", "cancel_appointment")
_FORMS = {form.operation: form for form in APPOINTMENTS.forms}


@dataclass(frozen=True)
class TodayBox:
    """A part of the page. `more`: where the rest is, if there is more than is shown."""

    key: str
    items: Sequence[Mapping[str, Any]]
    more: str = ""


async def show_today(asked: PanelRequest) -> View:
    now = asked.ports.store.now()
    here = await _box(asked, "here", "checked_in", now - _A_DAY, now + _A_DAY)
    late = await _box(asked, "late", "booked", now - _A_DAY, now)
    following = await _box(asked, "next", "booked", now, now + _A_DAY, most=NEXT)
    requests = await _box(asked, "requests", "requested", now - _A_DAY, None)
    orphans = await _box(asked, "orphans", "", now, None, most=NEXT)
    waiting = [requests, orphans, TodayBox("offers", await offers(asked, now))]
    if asked.may("list_jobs"):
        waiting.append(TodayBox("failures", await failures(asked), "/admin/jobs?status=dead"))
    zones = [each["zone"] for box in (here, late, following) for each in box.items]
    home = max(set(zones), key=zones.count) if zones else "UTC"
    values = {"arrived": [here, late], "following": following, "waiting": waiting, "home": home}
    local = now.astimezone(zone(home))
    return View("today", {**values, "clock": clock(now, zone(home)), "day": asked.language.day(local)})


async def _box(
    asked: PanelRequest, key: str, status: str, since: datetime, until: datetime | None, *, most: int = MOST
) -> TodayBox:
    """Appointments of one state that start in a span; without a state, those outside the opening hours."""
    state = {"status": status} if status else {"orphaned": "true"}
    query = {**state, "from": written(since), "limit": str(most), "to": written(until) if until else ""}
    if key == "late":
        query["sort"] = "-start"
    found = (await run(asked, Call(OPERATION, query=query, after=asked.query.get("after", "")))).body
    rows = found["items"][::-1] if key == "late" else found["items"]
    now = asked.ports.store.now()
    filters = f"status={status}" if status else "orphaned=on"
    more = f"{APPOINTMENTS.path}?{filters}&from={since:%Y-%m-%d}" if found["next"] else ""
    return TodayBox(key, [_item(asked, key, row, now) for row in rows], more)


def _item(asked: PanelRequest, key: str, row: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    tz, start, end = zone(row["timezone"]), read(row["start"]), read(row["end"])
    today, day = now.astimezone(tz).date(), start.astimezone(tz).date()
    language, times = asked.language, f"{clock(start, tz)}\N{EN DASH}{clock(end, tz)}"
    about = [(row.get(name) or {}).get("name") for name in ("service", "provider")]
    return {
        "heading": (row.get("customer") or {}).get("name") or language.say("nameless"),
        "href": f"{APPOINTMENTS.path}/{row['id']}",
        "when": times if day == today else f"{language.short_day(day)}, {times}",
        "zone": row["timezone"],
        "about": " \N{MIDDLE DOT} ".join(each for each in about if each),
        "urgent": _urgency(asked, key, row, now),
        "forms": _forms(asked, key, row),
    }


def _urgency(asked: PanelRequest, key: str, row: Mapping[str, Any], now: datetime) -> str:
    """How late, how soon, or how long there is to answer."""
    moment = row["expires_at"] if key == "requests" else row["start"]
    if key == "orphans":
        return asked.language.say("value.rebook") if row["orphaned"]["choice"] else ""
    if key == "here" or moment is None:
        return ""
    minutes = int(abs(read(moment) - now).total_seconds() // 60)
    return asked.language.say(f"today.{key}_in", time=asked.language.lasting(minutes))


def _forms(asked: PanelRequest, key: str, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    ahead = {"mark_no_show"} if key == "next" else set()
    offered = ORPHAN_ACTIONS if key == "orphans" else ACTIONS.get(row["status"], ())
    operations = [each for each in offered if asked.may(each) and each not in ahead]
    return [one_click(APPOINTMENTS, _FORMS[each], row) for each in operations]
