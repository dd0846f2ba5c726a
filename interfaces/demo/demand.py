"""Who asks a chair for an appointment over the demo year: with seasons, weekdays and growth."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from math import sqrt
from typing import NamedTuple

from domain.booking.origin import Channel
from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import day_bounds, local_date
from interfaces.demo.book import Book, Visit
from interfaces.demo.charter import Act
from interfaces.demo.course import course
from interfaces.demo.houses import Visitor
from interfaces.demo.life import ThisProvider
from interfaces.demo.lifetime import Deed, LiveThrough, Step, live_through

WEEKDAYS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.3, 0.9)
SEASONS = (0.8, 0.85, 0.95, 1.0, 1.05, 1.1, 0.85, 0.7, 1.0, 1.05, 1.1, 1.3)
GROWTH = 0.4  # more in the last days than in the first
ALONE, TOGETHER = 8, 16  # wishes of a usual day
_LEAD = 9  # days, on average
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


class Inquiry(NamedTuple):
    """`number`: among those of the date."""

    number: int
    date: date
    asked: datetime


def filled(book: Book) -> Iterator[Act]:
    """The life of each appointment, date by date."""
    day = local_date(book.charter.founded, book.zone) + 3 * _DAY
    while day <= book.last:
        opening = day_bounds(day, book.zone)
        asked = sorted(_asked(book, opening) for _ in range(_demand(book, day)))
        for number, at in enumerate(asked):
            yield from _appointment(book, Inquiry(number, day, at))
        day += _DAY


def _demand(book: Book, day: date) -> int:
    usual = TOGETHER if max(offer.capacity for offer in book.offers.values()) > 1 else ALONE
    lived = (day - local_date(book.charter.founded, book.zone)) / book.charter.history
    mean = usual * WEEKDAYS[day.weekday()] * SEASONS[day.month - 1] * (1 - GROWTH / 2 + GROWTH * lived)
    return max(0, round(book.dice.gauss(mean, sqrt(mean))))


def _asked(book: Book, opening: Interval) -> datetime:
    lead = min(book.dice.expovariate(1 / _LEAD), 45.0)
    asked = book.between(opening.start + 7 * _HOUR, opening.start + 18 * _HOUR) - lead * _DAY
    return max(asked, book.charter.founded + 2 * _DAY).replace(microsecond=0)


def _appointment(book: Book, inquiry: Inquiry) -> Iterator[Act]:
    service_id = book.dice.choice(list(book.offers))
    offered = book.offered(service_id, inquiry.date, inquiry.asked)
    visitor = _visitor(book, inquiry)
    if not offered or visitor is None:
        return
    begun = [start for start in offered if start.seats_left < book.offers[service_id].capacity]
    start = book.dice.choice(begun if begun and book.dice.random() < 0.85 else offered)
    id = book.charter.id("appointment", "year", book.calendar.provider_id, inquiry.date, inquiry.number)
    visit = Visit(id, service_id, visitor, start, inquiry.asked, book.calendar.services[service_id])
    steps = course(book, visit)
    book.occupy(visit, inquiry.date, _freed(steps))
    yield _act(book, visit, steps)


def _act(book: Book, visit: Visit, steps: Sequence[Step]) -> Act:
    calendar, dice = book.calendar, book.dice
    by_customer = dice.random() < 0.7
    return book.charter.act(
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


def _visitor(book: Book, inquiry: Inquiry) -> Visitor | None:
    there = [
        each for each in book.people if each.since < inquiry.asked < each.until and not book.is_busy(each, inquiry.date)
    ]
    return book.dice.choices(there, [each.keen for each in there])[0] if there else None


def _freed(steps: Sequence[Step]) -> datetime | None:
    return next((step.at for step in steps if step.deed in {Deed.MOVE, Deed.CANCEL}), None)
