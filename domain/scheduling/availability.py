"""Availability: the starts that a service offers, and the rule against any other. Pure functions.

Every datetime is aware and in UTC, every interval half-open, every length in minutes of elapsed time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from domain.scheduling.booking_window import BookingWindow
from domain.scheduling.free_starts import Busy, free_starts
from domain.scheduling.instants import at_micros, micros
from domain.scheduling.interval import Interval, clip, merge, overlaps
from domain.scheduling.opening_hours import OpeningHours, openings
from domain.scheduling.slot_terms import SlotTerms
from domain.scheduling.wallclock import SUPPORTED

__all__ = [
    "BookingWindow",
    "Occupied",
    "Rule",
    "SlotTerms",
    "Start",
    "bookable",
    "candidates",
    "rules_against",
    "starts",
    "why_not",
]


class Rule(StrEnum):
    """The reasons why a start is not offered. Of several, the first in this order is given."""

    PAST = "past"
    """The start is in the past."""
    NOTICE = "notice"
    """The start is sooner than the service's minimum notice."""
    WINDOW = "window"
    """The start is outside the service's booking window."""
    TIME_OFF = "time-off"
    """The appointment fits into opening hours, but time off covers a part of it."""
    CLOSED = "closed"
    """The appointment does not fit into opening hours."""
    GRID = "grid"
    """The calendar is open, but the slot grid has no start at this minute."""
    TAKEN = "taken"
    """Another appointment or hold occupies a part of the time, buffers included."""
    FULL = "full"
    """The group session has no seat left."""


class Occupied(NamedTuple):
    """The time [since, until), buffers included, that so many seats of one start occupy."""

    since: datetime
    until: datetime
    service_id: UUID
    start: datetime
    seats: int = 1

    def busy(self, offer: SlotTerms) -> Busy:
        """As `free_starts` of the offer counts it."""
        session = micros(self.start) if offer.capacity > 1 and self.service_id == offer.service_id else None
        return Busy(micros(self.since), micros(self.until), session, self.seats)


class Start(NamedTuple):
    """An offered start, its end, and the number of free seats."""

    start: datetime
    end: datetime
    seats_left: int


def starts(
    offer: SlotTerms, hours: OpeningHours, occupied: Sequence[Occupied], within: Interval, now: datetime
) -> list[Start]:
    """The starts in `within` that are offered at `now`, in order: `candidates` that are `bookable`."""
    return candidates(offer, hours, occupied, clip(within, bookable(offer, hours, now)))


def candidates(offer: SlotTerms, hours: OpeningHours, occupied: Sequence[Occupied], within: Interval) -> list[Start]:
    """The starts in `within` that are open, on the grid and free, in order; notice and window are not checked."""
    busy = [each.busy(offer) for each in occupied]
    found = ((at_micros(start), seats) for start, seats in free_starts(offer, hours, busy, within))
    return [Start(start, start + offer.length, seats) for start, seats in found]


def bookable(offer: SlotTerms, hours: OpeningHours, now: datetime) -> Interval:
    """The starts that notice and booking window allow at `now`; may be empty. Moves as time passes."""
    earliest = now + timedelta(minutes=offer.min_notice)
    window = SUPPORTED if offer.window is None else offer.window.bounds(hours, now)
    return clip(Interval(earliest, SUPPORTED.end), window)


OVERRIDABLE = frozenset({Rule.NOTICE, Rule.WINDOW, Rule.TIME_OFF, Rule.CLOSED, Rule.GRID})
"""The rules that staff may set aside. Nobody books in the past, or what is taken."""


def why_not(
    offer: SlotTerms,
    hours: OpeningHours,
    occupied: Sequence[Occupied],
    start: datetime,
    now: datetime,
    aside: frozenset[Rule] = frozenset(),
) -> Rule | None:
    """The rule against a start, or None if `starts` offers it. `aside`: OVERRIDABLE rules that do not count."""
    if start < now:
        return Rule.PAST
    if (rule := _against_time(offer, hours, start, now, aside)) is not None and rule not in aside:
        return rule
    if (rule := _against_hours(offer, hours, start)) is not None and rule not in aside:
        return rule
    return _against_others(offer, occupied, start)


def rules_against(
    offer: SlotTerms, hours: OpeningHours, occupied: Sequence[Occupied], start: datetime, now: datetime
) -> list[Rule]:
    """All rules against a start, in their order; the first is that of `why_not`. Of TAKEN and FULL there is one.

    A start in the past is also held against what does not depend on the time at which somebody asks.
    """
    found = [Rule.PAST] if start < now else []
    aside = frozenset({Rule.NOTICE, Rule.WINDOW}) if found else frozenset[Rule]()
    at = min(start, now)
    while (rule := why_not(offer, hours, occupied, start, at, aside)) is not None:
        found.append(rule)
        if rule not in OVERRIDABLE:
            break
        aside |= {rule}
    return found


def _against_time(
    offer: SlotTerms, hours: OpeningHours, start: datetime, now: datetime, aside: frozenset[Rule]
) -> Rule | None:
    if start < now + timedelta(minutes=offer.min_notice) and Rule.NOTICE not in aside:
        return Rule.NOTICE
    first, end = SUPPORTED if offer.window is None else clip(SUPPORTED, offer.window.bounds(hours, now))
    return None if first <= start < end else Rule.WINDOW


def _against_hours(offer: SlotTerms, hours: OpeningHours, start: datetime) -> Rule | None:
    wanted = Interval(start, start + offer.length)
    pieces = openings(hours, wanted, offer.service_hours)
    if not _fits(wanted, pieces):
        always = openings(replace(hours, time_off=()), wanted, offer.service_hours)
        return Rule.TIME_OFF if _fits(wanted, always) else Rule.CLOSED
    return None if offer.grid(hours).has(pieces, start) else Rule.GRID


def _fits(wanted: Interval, pieces: Iterable[Interval]) -> bool:
    return any(block.start <= wanted.start and wanted.end <= block.end for block in merge(pieces))


def _against_others(offer: SlotTerms, occupied: Iterable[Occupied], start: datetime) -> Rule | None:
    stretch = offer.stretch(start)
    clashing = [other for other in occupied if overlaps(Interval(other.since, other.until), stretch)]
    session = [other for other in clashing if offer.capacity > 1 and _shares(offer, other, start)]
    if len(session) < len(clashing):
        return Rule.TAKEN
    return Rule.FULL if sum(other.seats for other in session) >= offer.capacity else None


def _shares(offer: SlotTerms, other: Occupied, start: datetime) -> bool:
    return other.start == start and other.service_id == offer.service_id
