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
_A_DAY, _LONGEST_TTL = timedelta(days=1), timedelta(days=30)
"""A request is answered or expires within _LONGEST_TTL, so that one that stands has changed since."""
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
    yesterday, tomorrow = written(now - _A_DAY), written(now + _A_DAY)
    here = await _box(asked, "here", {"status": "checked_in", "from": yesterday, "to": tomorrow})
    late = await _box(asked, "late", {"status": "booked", "from": yesterday, "to": written(now), "sort": "-start"})
    following = await _box(asked, "next", {"status": "booked", "from": written(now), "to": tomorrow}, most=NEXT)
    asked_since = {"updated_since": written(now - _LONGEST_TTL), "sort": "updated"}
    requests = await _box(asked, "requests", {"status": "requested", **asked_since})
    orphans = await _box(asked, "orphans", {"orphaned": "true", "from": written(now)}, most=NEXT)
    waiting = [requests, orphans, TodayBox("offers", await offers(asked, now))]
    if asked.may("list_jobs"):
        waiting.append(TodayBox("failures", await failures(asked), "/admin/jobs?status=dead"))
    zones = [each["zone"] for box in (here, late, following) for each in box.items]
    home = max(set(zones), key=zones.count) if zones else "UTC"
    values = {"arrived": [here, late], "following": following, "waiting": waiting, "home": home}
    local = now.astimezone(zone(home))
    return View("today", {**values, "clock": clock(now, zone(home)), "day": asked.language.day(local)})


async def _box(asked: PanelRequest, key: str, query: Mapping[str, str], *, most: int = MOST) -> TodayBox:
    """Appointments of one state, the first to care for first."""
    call = Call(OPERATION, query={**query, "limit": str(most)}, after=asked.query.get("after", ""))
    found = (await run(asked, call)).body
    order = "expires_at" if key == "requests" else "start"
    rows, now = sorted(found["items"], key=lambda row: str(row[order])), asked.ports.store.now()
    state = f"status={query['status']}" if "status" in query else "orphaned=on"
    more = f"{APPOINTMENTS.path}?{state}&from={query.get('from', '')[:10]}" if found["next"] else ""
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
