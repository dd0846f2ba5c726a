"""A town to keep calendars of: providers with customers of their own, and appointments before and after today."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import psycopg

from bench.tools import history
from bench.tools.place import Database, Place, caught_up
from bench.tools.taking import a_day, an_appointment, dates, seat
from bench.tools.town import Shop
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.calendar_day import Day
from domain.booking.origin import Party
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.journal import LogEntry
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.local.programs import wait_until

A_DAY = 10  # appointments of a provider
CATCH_UP_WITHIN = 7_200  # seconds
FIRST = 18  # half-hours since midnight
NAMES = ("Grace", "Alan", "Ada", "Hedy", "Rosa", "Katherine", "Marie", "Emmy")


@dataclass(frozen=True)
class Course:
    """`a_day`: appointments of a provider. `lived`: those of the past were made days before, and have ended."""

    a_day: int = A_DAY
    lived: bool = False


def large_town(place: Place, tell: Callable[[str], None]) -> Database:
    """5,000 providers and a million appointments with their past, read by all projections: made once a run."""
    known = place.kept.get("town")
    if known is None:
        known = place.kept_database("bench_large_town")
        tell("writing 5,000 providers and a million appointments")
        write(known, place.size(5_000, 20), place.size(1_000_000, 2_000), Course(place.size(A_DAY, 2), lived=True))
        tell("reading them")
        with place.projector(known):
            assert wait_until(partial(caught_up, known), CATCH_UP_WITHIN)
        asyncio.run(_enrol(known))
        with psycopg.connect(known.owner, autocommit=True) as connection:
            connection.execute("UPDATE work.job SET done_at = due_at WHERE due_at <= now()")  # workers have done it
            connection.execute("VACUUM ANALYZE")
        place.kept["town"] = known
    return known


async def _enrol(database: Database) -> None:
    """The jobs are in the queue, as where beat asks for a sweep each second."""
    async with RowPool(database.application, patience=600.0) as rows:
        while await Enrolment(rows).enrol():
            pass


def write(database: Database, providers: int, appointments: int, course: Course = Course()) -> None:
    """So many providers, each with a customer, and at least so many appointments: half of them are over."""
    days = -(-appointments // (providers * course.a_day))
    history.append(database, providers, lambda owners, keys, now: _history(owners, keys, now, (course, days)))


def _history(
    owners: Sequence[UUID], keys: Mapping[UUID, bytes], now: datetime, over: tuple[Course, int]
) -> Iterator[LogEntry]:
    """Who opens, then day by day who is booked."""
    town, shops, (course, days) = random.Random(4711), list[Shop](), over
    since = now - timedelta(days=days) if course.lived else now
    for number, owner in enumerate(owners):
        opened = history.open_shop(owner, since, name=f"Provider {number:05}")
        shops.append(Shop(opened[0].id, [opened[2].id]))
        yield history.entry(*opened, _customer(owner, number, now), keys=keys)
    for date in dates(days, (now - timedelta(days=days // 2)).date()):
        for shop in shops:
            day = a_day(shop.provider_id, date, now)
            for number in range(FIRST, FIRST + course.a_day):
                customer = town.choice(owners)
                made = now - timedelta(days=town.randint(1, 14) + max(0, (now.date() - date).days)) * course.lived
                appointment = an_appointment(customer, shop.provider_id, shop.services[0], date, number, made)
                seat(day, appointment, made)
                if course.lived and appointment.ends_at < now:
                    _end(appointment, day, town)
                yield history.entry(appointment, day)


def _end(appointment: Appointment, day: Day, town: random.Random) -> None:
    """Most customers come, some cancel the day before, some are missed."""
    fate, by = town.random(), appointment.customer_id
    if fate < 0.08:
        at = appointment.starts_at - timedelta(hours=12)
        appointment.cancel(by, Reason("", None), Party.CUSTOMER, at)
        day.release(appointment.id, at)
    elif fate < 0.13:
        appointment.miss(appointment.provider_id, appointment.ends_at)
    else:
        appointment.complete(appointment.provider_id, appointment.ends_at)


def _customer(id: UUID, number: int, now: datetime) -> Customer:
    details = {"name": f"{NAMES[number % len(NAMES)]} {number:05}", "email": None, "phone": None, "timezone": None}
    return Customer(id=id, by=id, details=PersonalData(id, {**details, "note": ""}), timestamp=now)
