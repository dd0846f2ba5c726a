"""Providers, guests with addresses and their appointments, and jobs whose time is made to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from application.access import Caller, Role
from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.people.customer import CreateCustomer, create_customer
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.privacy.master_keys import MasterKeys
from tests.support.builders import a_provider, a_service, monday_after, somebody
from tests.support.instances import ask, within

ALL_DAY = {str(day): [[0, 24 * 60]] for day in range(7)}
A_GUEST = 2  # appointments: a guest is not written to more than ten times a day, tries included
SEATS = 40  # appointments of one provider
T = TypeVar("T")

_CAUGHT_UP = """
    SELECT bool_and(b.position = (SELECT coalesce(max(notification_id), 0) FROM log.stored_events))
    FROM read.live JOIN read.bookmark b USING (generation)"""
_DUE = """
    UPDATE work.job SET due_at = clock_timestamp(), planned_at = clock_timestamp()
    WHERE kind = 'remind' AND subject = ANY(%s)"""
# What an API process has taken over before it was silenced: nobody carries it out yet.
_DROP_NEWS = "DELETE FROM work.job WHERE kind = 'notify' AND attempts = 0"


@dataclass(frozen=True)
class Booked:
    """An appointment, and whoever may change it. Half an hour later nobody else comes."""

    id: UUID
    owner: Caller
    start: datetime


class Place(Protocol):
    """Where they are: an Instance, or what a benchmark has."""

    @property
    def database(self) -> str: ...
    @property
    def superuser_database(self) -> str: ...
    @property
    def master_key(self) -> str: ...


@dataclass(frozen=True)
class Practice:
    """By commands of this very process."""

    instance: Place

    def book(self, count: int) -> list[Booked]:
        """So many, a week ahead, each with two reminders, of guests who can be reached."""
        return self._do(lambda store: self._book(store, count))

    def cancel(self, some: Sequence[Booked]) -> None:
        self._do(lambda store: _all(self._cancel(store, each) for each in some))

    def move(self, some: Sequence[Booked]) -> None:
        """Half an hour later."""
        self._do(lambda store: _all(self._move(store, each) for each in some))

    def enrol(self, *, silently: bool = True) -> None:
        """Take over all jobs that are planned so far. `silently`: nobody is told of what has happened."""
        dsn = self.instance.superuser_database
        within(60, lambda: ask(dsn, _CAUGHT_UP) == [(True,)])

        async def enrol() -> None:
            async with RowPool(dsn, size=1) as rows:
                if silently:
                    await Enrolment(rows).silence()
                await Enrolment(rows).enrol()
                if silently:
                    await rows.all(_DROP_NEWS)

        asyncio.run(enrol())

    def make_due(self, some: Sequence[Booked]) -> None:
        """The time of all their reminders has come."""
        ask(self.instance.superuser_database, _DUE, [[each.id for each in some]])

    def _do(self, work: Callable[[EventStore], Coroutine[Any, Any, T]]) -> T:
        async def do() -> T:
            async with self._store() as store:
                return await work(store)

        return asyncio.run(do())

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[EventStore]:
        masters = MasterKeys(self.instance.master_key)
        store = postgres_store(self.instance.database, masters, patience=60.0)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    async def _book(self, store: EventStore, count: int) -> list[Booked]:
        shops = [self._one_shop(store, min(SEATS, count - n)) for n in range(0, count, SEATS)]
        return [each for some in await asyncio.gather(*shops) for each in some]

    async def _one_shop(self, store: EventStore, count: int) -> list[Booked]:
        owner = somebody(Role.PROVIDER)
        provider_id = await a_provider(store, owner, ALL_DAY)
        service_id = await a_service(store, owner, provider_id)
        found: list[Booked] = []
        for n in range(count):
            if n % A_GUEST == 0:
                guest = new_id()
                details = {"name": "Guest", "email": f"{guest}@example.org", "phone": "", "timezone": "UTC"}
                await create_customer(CreateCustomer(by=owner, id=guest, details=details), store)
            start = monday_after(store.now()) + timedelta(hours=n)
            wanted = BookAppointment(
                by=owner, id=new_id(), service_id=service_id, provider_id=provider_id, start=start,
                customer_id=guest,
            )  # fmt: skip
            found.append(Booked((await book_appointment(wanted, store)).aggregate.id, owner, start))
        return found

    async def _cancel(self, store: EventStore, one: Booked) -> None:
        await cancel_appointment(CancelAppointment(by=one.owner, appointment_id=one.id, reason="ill"), store)

    async def _move(self, store: EventStore, one: Booked) -> None:
        to = one.start + timedelta(minutes=30)
        moving = RescheduleAppointment(by=one.owner, appointment_id=one.id, start=to)
        await reschedule_appointment(moving, store)


async def _all(work: Any) -> None:
    await asyncio.gather(*work)
