"""A long log: real events of real aggregates, appended a booking at a time under its own key, in bulk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from secrets import token_bytes
from typing import Any
from uuid import UUID

import uvloop

from bench.tools.place import Database
from bench.tools.taking import a_day, an_appointment, dates, seat
from bench.tools.town import ALL_DAY, Shop
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import Aggregate, new_id
from domain.scheduling.schedule import Schedule
from infrastructure.event_log.event_codec import encode
from infrastructure.event_log.journal import AppendResult, LogEntry
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.privacy.keyring import Keyring
from tests.support.builders import profile, terms
from tests.support.sealed import MASTERS

OPENING = date(2020, 1, 6)
A_DAY = 16  # bookings
DAYS = 120  # of each shop
PER_SHOP = 4 + DAYS * (1 + 2 * A_DAY)
"""Events of a shop: itself, and for each Day that it opens and A_DAY bookings."""
_AT_ONCE = 1_024  # commands


def write(database: Database, events: int) -> Sequence[Shop]:
    """Append at least so many events; answers with the shops, all of whose bookings are long past."""
    shops: list[Shop] = []
    count = max(1, -(-events // PER_SHOP))
    append(database, count, lambda owners, keys, now: _history(owners, keys, now, shops))
    return shops


History = Callable[[Sequence[UUID], Mapping[UUID, bytes], datetime], Iterator[LogEntry]]
"""From the ids of owners, their keys and the time to what happened."""


def append(database: Database, count: int, history: History) -> None:
    """Append a history of so many owners, as fast as the log takes it."""
    uvloop.run(_append(database, count, history))


async def _append(database: Database, count: int, history: History) -> None:
    journal = PostgresJournal(database.application, queue_size=10 * _AT_ONCE, patience=60.0)
    await journal.open()
    owners = [new_id() for _ in range(count)]
    keys = await Keyring(journal.keys, MASTERS).for_writing(owners)
    entries = history(owners, keys, journal.now())
    under_way: asyncio.Future[list[AppendResult]] | None = None
    while some := list(islice(entries, _AT_ONCE)):
        if under_way is not None:
            await under_way
        under_way = asyncio.gather(*(journal.append(entry) for entry in some))
        await asyncio.sleep(0)  # it is on its way while the next ones are made
    if under_way is not None:
        await under_way
    await journal.close()


def _history(
    owners: Sequence[UUID], keys: Mapping[UUID, bytes], now: datetime, shops: list[Shop]
) -> Iterator[LogEntry]:
    """Day by day, and on each from shop to shop, as it would have come about."""
    for owner in owners:
        opened = open_shop(owner, now)
        shops.append(Shop(opened[0].id, [opened[2].id]))
        yield entry(*opened, keys=keys)
    for day in dates(DAYS, OPENING):
        for shop in shops:
            yield from _one_day(shop, day, now)


def open_shop(
    owner: UUID, now: datetime, hours: dict[str, Any] = ALL_DAY, **details: Any
) -> tuple[Provider, Schedule, Service]:
    """A provider with a schedule and a service. `details`: of the profile."""
    provider = Provider.join(new_id(), owner, profile(**details), now)
    schedule = Schedule(id=Schedule.id_of(provider.id), calendar_id=provider.id, timezone="UTC", timestamp=now)
    schedule.set_weekly(owner, "UTC", hours, now)
    service = Service(id=new_id(), by=owner, terms=terms(provider.id), timestamp=now)
    return provider, schedule, service


def _one_day(shop: Shop, date: date, now: datetime) -> Iterator[LogEntry]:
    day = a_day(shop.provider_id, date, now)
    for number in range(A_DAY):
        appointment = an_appointment(new_id(), shop.provider_id, shop.services[0], date, 16 + number, now)
        seat(day, appointment, now)
        yield entry(appointment, day)


def entry(*aggregates: Aggregate, keys: Mapping[UUID, bytes] | None = None) -> LogEntry:
    """What one command has done, under a key of its own. `keys`: of the persons that it tells of."""
    events = [event for aggregate in aggregates for event in aggregate.collect_events()]
    said = f'{{"actor":"{new_id()}","role":"customer","correlation":"{token_bytes(16).hex()}"}}'
    answer = aggregates[0].id, aggregates[0].version
    rows = [encode(event, said, keys or {}) for event in events]
    return LogEntry(token_bytes(32), token_bytes(32), answer, {}, rows)
