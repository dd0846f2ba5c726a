"""The book of one chair over the demo year: what is taken, and who is busy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from domain.catalog.service_terms import ServiceTerms, slot_terms
from domain.scheduling.availability import Occupied, Start, starts
from domain.scheduling.wallclock import day_bounds, local_date, zone
from interfaces.demo.charter import Charter
from interfaces.demo.houses import Visitor
from interfaces.demo.shop import DemoCalendar

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)

Busy = set[tuple[UUID, date]]
"""Visitors and the dates on which they come: nobody has to be in two places."""


@dataclass(frozen=True, slots=True)
class TakenStart:
    """A start that a visitor takes, and when it is free again; None: never."""

    occupied: Occupied
    free_from: datetime | None


class Visit(NamedTuple):
    """An appointment as it is booked. `terms`: of its service."""

    id: UUID
    service_id: UUID
    visitor: Visitor
    start: Start
    asked: datetime
    terms: Mapping[str, Any]


class Book:
    """A chair's year. `busy`: of all chairs of the house."""

    def __init__(self, charter: Charter, calendar: DemoCalendar, people: Sequence[Visitor], busy: Busy) -> None:
        self.charter, self.calendar = charter, calendar
        self.dice = charter.random("book", calendar.provider_id)
        self.offers = {id: slot_terms(id, cast("ServiceTerms", terms)) for id, terms in calendar.services.items()}
        self.people, self._busy = people, busy
        self._places: dict[date, list[TakenStart]] = defaultdict(list)
        self.zone = zone(calendar.home.zone)

    @property
    def last(self) -> date:
        """The last date of an appointment: all of it has ended when the year does."""
        return local_date(self.charter.today, self.zone) - _DAY

    def offered(self, service_id: UUID, day: date, now: datetime) -> list[Start]:
        """The starts of a date that are free at `now`."""
        taken = [each.occupied for each in self._places[day] if each.free_from is None or each.free_from > now]
        return starts(self.offers[service_id], self.calendar.hours, taken, day_bounds(day, self.zone), now)

    def occupy(self, visit: Visit, day: date, free_from: datetime | None) -> None:
        """Mark the start as taken, and the visitor's date."""
        since, until = self.offers[visit.service_id].stretch(visit.start.start)
        taken = Occupied(since, until, visit.service_id, visit.start.start)
        self._places[day].append(TakenStart(taken, free_from))
        self._busy.add((visit.visitor.id, day))

    def is_busy(self, visitor: Visitor, day: date) -> bool:
        """Whether the visitor comes to this house on the date."""
        return (visitor.id, day) in self._busy

    def between(self, since: datetime, until: datetime) -> datetime:
        """Some whole second."""
        return since + timedelta(seconds=int(self.dice.random() * max(0.0, (until - since).total_seconds())))
