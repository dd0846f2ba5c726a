"""Things that have grown for years: a schedule, time off, a session, a town. Each is a provider to book."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bench.tools import history
from bench.tools.place import Database
from bench.tools.taking import a_day, an_appointment
from bench.tools.town import Shop, first_monday
from domain.booking.calendar_day import Seat
from domain.catalog.service import Service
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from infrastructure.event_log.journal import LogEntry
from tests.support.builders import terms

AT_ONCE = 500  # events of an entry
CAPACITY = 10_000

Growth = Callable[[Shop, Schedule, UUID, datetime], Iterator[LogEntry]]
"""From a shop, its schedule, its owner and the time to what happened there."""


def open_shops(database: Database, grown: Sequence[Growth]) -> Sequence[Shop]:
    """A shop for each, with its past; its service takes groups."""
    shops: list[Shop] = []

    def told(owners: Sequence[UUID], keys: Mapping[UUID, bytes], now: datetime) -> Iterator[LogEntry]:
        for owner, growth in zip(owners, grown, strict=True):
            provider, schedule, single = history.open_shop(owner, now)
            group = Service(id=new_id(), by=owner, terms=terms(provider.id, capacity=CAPACITY), timestamp=now)
            yield history.entry(provider, schedule, single, group, keys=keys)
            shops.append(Shop(provider.id, [single.id, group.id]))
            yield from growth(shops[-1], schedule, owner, now)

    history.append(database, len(grown), told)
    return shops


def nothing(shop: Shop, schedule: Schedule, owner: UUID, now: datetime) -> Iterator[LogEntry]:  # noqa: ARG001
    """It has just opened."""
    return iter(())


def edited(times: int) -> Growth:
    """The hours of one date were changed so often, long before now."""

    def growth(shop: Shop, schedule: Schedule, owner: UUID, now: datetime) -> Iterator[LogEntry]:  # noqa: ARG001
        day = (now - timedelta(days=365)).date()
        for number in range(times):
            schedule.override(owner, day, [[8 * 60 + number % 2, 17 * 60]], now)
            if (number + 1) % AT_ONCE == 0:
                yield history.entry(schedule)
        yield from _rest(schedule)

    return growth


def rested(times: int) -> Growth:
    """So many hours of time off, one a day, all of them over."""

    def growth(shop: Shop, schedule: Schedule, owner: UUID, now: datetime) -> Iterator[LogEntry]:  # noqa: ARG001
        for number in range(times):
            since = now - timedelta(days=1 + number)
            schedule.take_time_off(owner, new_id(), Interval(since, since + timedelta(hours=1)), "", now)
            if (number + 1) % AT_ONCE == 0:
                yield history.entry(schedule)
        yield from _rest(schedule)

    return growth


def crowded(seats: int) -> Growth:
    """So many seats of the session at 00:00 of the first Monday are taken."""

    def growth(shop: Shop, schedule: Schedule, owner: UUID, now: datetime) -> Iterator[LogEntry]:  # noqa: ARG001
        date = first_monday().date()
        day = a_day(shop.provider_id, date, now)
        for _ in range(seats):
            of = an_appointment(new_id(), shop.provider_id, shop.services[1], date, 0, now)
            day.give(Seat(of.id, of.service_id, of.starts_at, of.since, of.until, len(day.seats)), now)
            yield history.entry(of, day)

    return growth


def _rest(schedule: Schedule) -> Iterator[LogEntry]:
    if schedule.pending_events:
        yield history.entry(schedule)
