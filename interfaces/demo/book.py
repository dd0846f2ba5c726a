"""The book of one chair over the demo year: who comes when, with seasons, weekdays, and what goes wrong."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from math import sqrt
from typing import NamedTuple, cast
from uuid import UUID

from domain.booking.origin import Channel
from domain.catalog.service_terms import ServiceTerms, slot_terms
from domain.scheduling.availability import Occupied, Start, starts
from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import day_bounds, local_date, zone
from interfaces.demo.charter import Act, Charter
from interfaces.demo.course import Visit, course
from interfaces.demo.houses import Visitor
from interfaces.demo.life import ThisProvider
from interfaces.demo.lifetime import Deed, LiveThrough, Step, live_through
from interfaces.demo.shop import DemoCalendar

WEEKDAYS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.3, 0.9)
SEASONS = (0.8, 0.85, 0.95, 1.0, 1.05, 1.1, 0.85, 0.7, 1.0, 1.05, 1.1, 1.3)
GROWTH = 0.4  # more in the last days than in the first
ALONE, TOGETHER = 8, 16  # wishes of a usual day
_LEAD = 9  # days, on average
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)

Busy = set[tuple[UUID, date]]
"""Visitors and the dates on which they come: nobody has to be in two places."""


@dataclass(frozen=True, slots=True)
class Place:
    """A start that a visitor takes, and when it is free again; None: never."""

    occupied: Occupied
    free_from: datetime | None


class Wish(NamedTuple):
    """`number`: among those of the date."""

    number: int
    date: date
    asked: datetime


class Book:
    """A chair's year. `busy`: of all chairs of the house."""

    def __init__(self, charter: Charter, calendar: DemoCalendar, people: Sequence[Visitor], busy: Busy) -> None:
        self.charter, self.calendar = charter, calendar
        self.dice = charter.random("book", calendar.provider_id)
        self.offers = {id: slot_terms(id, cast("ServiceTerms", terms)) for id, terms in calendar.services.items()}
        self._people, self._busy = people, busy
        self._places: dict[date, list[Place]] = defaultdict(list)
        self._zone = zone(calendar.home.zone)

    @property
    def last(self) -> date:
        """The last date of an appointment: all of it has ended when the year does."""
        return local_date(self.charter.today, self._zone) - _DAY

    def filled(self) -> Iterator[Act]:
        """The life of each appointment, date by date."""
        day = local_date(self.charter.founded, self._zone) + 3 * _DAY
        while day <= self.last:
            opening = day_bounds(day, self._zone)
            asked = sorted(self._asked(opening) for _ in range(self._demand(day)))
            for number, at in enumerate(asked):
                yield from self._appointment(Wish(number, day, at))
            day += _DAY

    def offered(self, service_id: UUID, day: date, now: datetime) -> list[Start]:
        """The starts of a date that are free at `now`."""
        taken = [each.occupied for each in self._places[day] if each.free_from is None or each.free_from > now]
        return starts(self.offers[service_id], self.calendar.hours, taken, day_bounds(day, self._zone), now)

    def occupy(self, visit: Visit, day: date, free_from: datetime | None) -> None:
        """Mark the start as taken, and the visitor's date."""
        since, until = self.offers[visit.service_id].stretch(visit.start.start)
        taken = Occupied(since, until, visit.service_id, visit.start.start, visit.id)
        self._places[day].append(Place(taken, free_from))
        self._busy.add((visit.visitor.id, day))

    def is_busy(self, visitor: Visitor, day: date) -> bool:
        """Whether the visitor comes to this house on the date."""
        return (visitor.id, day) in self._busy

    def between(self, since: datetime, until: datetime) -> datetime:
        """Some whole second."""
        return since + timedelta(seconds=int(self.dice.random() * max(0.0, (until - since).total_seconds())))

    def _demand(self, day: date) -> int:
        usual = TOGETHER if max(offer.capacity for offer in self.offers.values()) > 1 else ALONE
        lived = (day - local_date(self.charter.founded, self._zone)) / self.charter.history
        mean = usual * WEEKDAYS[day.weekday()] * SEASONS[day.month - 1] * (1 - GROWTH / 2 + GROWTH * lived)
        return max(0, round(self.dice.gauss(mean, sqrt(mean))))

    def _asked(self, opening: Interval) -> datetime:
        lead = min(self.dice.expovariate(1 / _LEAD), 45.0)
        asked = self.between(opening.start + 7 * _HOUR, opening.start + 18 * _HOUR) - lead * _DAY
        return max(asked, self.charter.founded + 2 * _DAY).replace(microsecond=0)

    def _appointment(self, wish: Wish) -> Iterator[Act]:
        service_id = self.dice.choice(list(self.offers))
        offered = self.offered(service_id, wish.date, wish.asked)
        visitor = self._visitor(wish)
        if not offered or visitor is None:
            return
        begun = [start for start in offered if start.seats_left < self.offers[service_id].capacity]
        start = self.dice.choice(begun if begun and self.dice.random() < 0.85 else offered)
        id = self.charter.id("appointment", "year", self.calendar.provider_id, wish.date, wish.number)
        visit = Visit(id, service_id, visitor, start, wish.asked, self.calendar.services[service_id])
        steps = course(self, visit)
        self.occupy(visit, wish.date, _freed(steps))
        yield self._act(visit, steps)

    def _act(self, visit: Visit, steps: Sequence[Step]) -> Act:
        calendar, dice = self.calendar, self.dice
        by_customer = dice.random() < 0.7
        return self.charter.act(
            visit.asked,
            calendar.provider_id,
            (visit.id, 1),
            (partial(live_through, queries=ThisProvider(calendar.provider_id)), LiveThrough),
            visit.visitor.caller if by_customer else calendar.owner,
            channel=Channel.PAGE if by_customer and dice.random() < 0.6 else Channel.API,
            id=visit.id,
            service_id=visit.service_id,
            start=visit.start.start,
            provider_id=calendar.provider_id,
            customer_id=visit.visitor.id,
            staff=calendar.owner.account,
            steps=steps,
        )

    def _visitor(self, wish: Wish) -> Visitor | None:
        there = [
            each for each in self._people if each.since < wish.asked < each.until and not self.is_busy(each, wish.date)
        ]
        return self.dice.choices(there, [each.keen for each in there])[0] if there else None


def _freed(steps: Sequence[Step]) -> datetime | None:
    return next((step.at for step in steps if step.deed in {Deed.MOVE, Deed.CANCEL}), None)
