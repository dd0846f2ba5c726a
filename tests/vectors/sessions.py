"""Cases on how many can come: capacity and booking-command.

A session that serves several people at once is as many calendars, side by side: two chairs, two customers.
Several who share one start of one service are a group.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import NAMESPACE_DNS, uuid5

from domain.scheduling.availability import Occupied, SlotTerms, why_not
from domain.scheduling.interval import Interval, overlaps
from domain.scheduling.opening_hours import OpeningHours, window
from tests.vectors import moves
from tests.vectors.case import (
    A_MONDAY,
    ALWAYS,
    LONG_AGO,
    OTHER,
    SERVICE,
    Given,
    NotOurs,
    found,
    local_day,
    one_of,
    only,
    span,
    spans,
    taken,
    utc,
)

OCCUPIES = {"booked": True, "provisional": True, "expired_provisional": False, "cancelled": False}


@dataclass
class Chair:
    """One place in a session."""

    services: frozenset[str]
    slot: int
    hours: OpeningHours
    occupied: list[Occupied] = field(default_factory=list)

    def free(self, service: str, day: Interval) -> list[tuple[str, str]]:
        if service not in self.services:
            return []
        offer = SlotTerms(uuid5(NAMESPACE_DNS, service), self.slot, self.slot)
        found_ = found(offer, self.hours, day, occupied=self.occupied)
        return [(f"{start:%H:%M}", f"{start + offer.length:%H:%M}") for start in found_]


def _chairs(sessions: Iterable[Given]) -> list[Chair]:
    chairs = []
    for session in sessions:
        only(session, "day from to services slot_min capacity")
        hours = OpeningHours("UTC", {}, {_day(session["day"]): (window(session["from"], session["to"]),)}, ())
        services = frozenset(session["services"])
        chairs += [Chair(services, session["slot_min"], hours) for _ in range(session["capacity"])]
    return chairs


def _day(text: str) -> date:
    return A_MONDAY + timedelta(days=int(text.removeprefix("D+")))


def _book(chairs: list[Chair], booking: Given) -> bool:
    """Take the first chair that is offered; which of different sessions to prefer is their own rule."""
    only(booking, "day at length_min service state")
    one_of(booking["state"], *OCCUPIES)
    if not OCCUPIES[booking["state"]]:
        return False
    start = utc(f"{_day(booking['day'])}T{booking['at']}")
    stretch = Interval(start, start + timedelta(minutes=booking["length_min"]))
    day = local_day(_day(booking["day"]).isoformat(), "UTC")
    able = [
        chair
        for chair in chairs
        if chair.slot == booking["length_min"]
        and booking["at"] in {from_ for from_, _ in chair.free(booking["service"], day)}
    ]
    if len({chair.services for chair in able}) > 1:
        raise NotOurs("a booking that could be in either of two sessions")
    for chair in able[:1]:
        chair.occupied.append(taken(stretch, service=uuid5(NAMESPACE_DNS, booking["service"])))
    return bool(able)


def capacity(given: Given, expect: Given) -> None:
    if "updating_itself" in given:
        moves.own_place(given, expect)
        return
    if "sessions" not in given:
        _group(given, expect)
        return
    only(given, "sessions bookings service query granularity")
    only(expect, "by_day")
    chairs = _chairs(given["sessions"])
    for booking in given.get("bookings", []):
        _book(chairs, booking)
    first, last = _day(given["query"]["from_day"]), _day(given["query"]["to_day"])
    days = [f"D+{(first - A_MONDAY).days + n}" for n in range((last - first).days + 1)]
    counted = {}
    for day in days:
        bounds = local_day(_day(day).isoformat(), "UTC")
        free = Counter(slot for chair in chairs for slot in chair.free(given["service"], bounds))
        counted[day] = _summed(free, given["granularity"])
    assert counted == expect["by_day"]


def _summed(free: Counter[tuple[str, str]], granularity: str) -> object:
    one_of(granularity, "slot", "hour", "half_day")
    if granularity == "half_day":
        before = sum(n for (from_, _), n in free.items() if from_ < "12:00")
        return {"before_noon": before, "after_noon": free.total() - before}
    if granularity == "hour":
        hours: Counter[tuple[str, str]] = Counter()
        for (from_, _), n in free.items():
            hours[f"{from_[:2]}:00", f"{int(from_[:2]) + 1:02}:00"] += n
        free = hours
    return [{"from": from_, "to": to, "free": n} for (from_, to), n in sorted(free.items())]


def _group(given: Given, expect: Given) -> None:
    only(given, "capacity new existing")
    only(expect, "new_booking")
    new, existing = span(given["new"]), spans(given["existing"])
    length = (new.end - new.start) // timedelta(minutes=1)
    if all(other.start == new.start for other in existing if overlaps(other, new)):
        group = SlotTerms(SERVICE, length, 1, capacity=given["capacity"])
        refused = why_not(group, ALWAYS, [taken(other, service=SERVICE) for other in existing], new.start, LONG_AGO)
    else:
        refused = not _side_by_side([*sorted(existing), new], given["capacity"])
    assert ("rejected" if refused else "accepted") == expect["new_booking"]


def _side_by_side(stretches: list[Interval], places: int) -> bool:
    """Whether each finds a calendar that is free; the new one comes last."""
    calendars: list[list[Occupied]] = [[] for _ in range(places)]
    placed = False
    for stretch in stretches:
        offer = SlotTerms(OTHER, (stretch.end - stretch.start) // timedelta(minutes=1), 1)
        free = [c for c in calendars if why_not(offer, ALWAYS, c, stretch.start, LONG_AGO) is None]
        for calendar in free[:1]:
            calendar.append(taken(stretch))
        placed = bool(free)
    return placed


def booking_command(given: Given, expect: Given) -> None:
    only(given, "sessions existing command")
    only(expect, "result")
    chairs = _chairs(given["sessions"])
    for booking in given["existing"]:
        _book(chairs, booking)
    answer = "accepted" if _book(chairs, given["command"]) else "rejected"
    assert expect["result"].partition(":")[0] == answer
