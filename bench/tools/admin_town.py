"""A town to keep calendars of: providers with customers of their own, and appointments before and after today."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bench.tools import history
from bench.tools.place import Database
from bench.tools.taking import a_day, an_appointment, dates, seat
from bench.tools.town import Shop
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from infrastructure.event_log.journal import LogEntry

A_DAY = 10  # appointments of a provider
FIRST = 18  # half-hours since midnight
NAMES = ("Grace", "Alan", "Ada", "Hedy", "Rosa", "Katherine", "Marie", "Emmy")


def write(database: Database, providers: int, appointments: int) -> None:
    """So many providers, each with a customer, and at least so many appointments: half of them are over."""
    days = -(-appointments // (providers * A_DAY))
    history.append(database, providers, lambda owners, keys, now: _history(owners, keys, now, days))


def _history(owners: Sequence[UUID], keys: Mapping[UUID, bytes], now: datetime, days: int) -> Iterator[LogEntry]:
    """Who opens, then day by day who is booked."""
    town, shops = random.Random(4711), list[Shop]()
    for number, owner in enumerate(owners):
        opened = history.open_shop(owner, now, name=f"Provider {number:05}")
        shops.append(Shop(opened[0].id, [opened[2].id]))
        yield history.entry(*opened, _customer(owner, number, now), keys=keys)
    for date in dates(days, (now - timedelta(days=days // 2)).date()):
        for shop in shops:
            day = a_day(shop.provider_id, date, now)
            for number in range(FIRST, FIRST + A_DAY):
                customer = town.choice(owners)
                appointment = an_appointment(customer, shop.provider_id, shop.services[0], date, number, now)
                seat(day, appointment, now)
                yield history.entry(appointment, day)


def _customer(id: UUID, number: int, now: datetime) -> Customer:
    details = {"name": f"{NAMES[number % len(NAMES)]} {number:05}", "email": None, "phone": None, "timezone": None}
    return Customer(id=id, by=id, details=PersonalData(id, {**details, "note": ""}), timestamp=now)
