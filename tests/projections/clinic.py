"""A provider with a service whom people book, and the answers that others get meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine

from application.access import Role
from application.booking.appointment import CancelAppointment, book_appointment, cancel_appointment
from application.catalog.provider import CreateProvider, create_provider
from domain.kernel import new_id
from domain.log_position import position_of
from domain.scheduling.interval import Interval
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from projections.availability.cache import AvailabilityCache
from projections.availability.invalidation import InvalidationPublisher
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.engine.projector import Projector
from projections.query.snapshot import Snapshots
from projections.read_models.availability import vacancy
from tests.support.builders import OpenWeek, an_open_week, profile, somebody
from tests.support.sealed import CODEC, MASTERS


@dataclass
class Clinic:
    """The store that is written to, the readers' tables, and `availability` without a cache."""

    store: EventStore
    week: OpenWeek
    engine: AsyncEngine
    reads: Snapshots
    loader: AvailabilityLoader
    publisher: InvalidationPublisher | None = None

    @property
    def availability(self) -> Availability:
        return Availability(self.loader, self.reads)

    def cached(self, cache: AvailabilityCache) -> Availability:
        return Availability(self.loader, self.reads, cache)

    async def catch_up(self) -> None:
        """The availability reader, up to the log's head."""
        await self.projector().catch_up()

    async def catch_up_unheard(self) -> None:
        """The same, and nothing is published."""
        await Projector(self.engine, [vacancy], CODEC).catch_up()

    def projector(self) -> Projector:
        return Projector(self.engine, [vacancy], CODEC, self.publisher)

    @asynccontextmanager
    async def projector_leads(self) -> AsyncIterator[None]:
        """A projector takes the lead, and follows the log."""
        leading = asyncio.create_task(self.projector().run())
        try:
            yield
        finally:
            leading.cancel()
            await asyncio.wait([leading])

    async def somebody_else_opens(self) -> int:
        """The position of events that change nothing for this clinic."""
        by = somebody(Role.PROVIDER)
        return (await create_provider(CreateProvider(by=by, id=new_id(), profile=profile()), self.store)).position

    async def book(self, clock: str, **more: Any) -> tuple[UUID, int]:
        """The appointment booked on the Monday, and the position that shows it."""
        done = await book_appointment(self.week.booking(clock, **more), self.store)
        return done.aggregate.id, done.position

    async def cancel(self, appointment_id: UUID) -> int:
        by = self.week.owner
        command = CancelAppointment(by=by, appointment_id=appointment_id, reason="ill")
        return (await cancel_appointment(command, self.store)).position

    def monday(self, days: int = 1) -> Interval:
        return Interval(self.week.monday, self.week.monday + timedelta(days=days))

    async def free(self, availability: Availability | None = None, **asked: Any) -> list[str]:
        """Starts of the Monday as "HH:MM", unless asked otherwise."""
        return clocks(await self.answer(availability, **asked))

    async def answer(self, availability: Availability | None = None, **asked: Any) -> dict[str, Any]:
        """The body of an answer for the Monday, unless asked otherwise; its position as a number."""
        said: dict[str, Any] = {
            "service_id": self.week.service_id,
            "provider_id": self.week.provider_id,
            "span": self.monday(),
            "now": self.store.now(),
        }
        answer = await (availability or self.availability).starts(**said | asked)
        body: dict[str, Any] = json.loads(answer.body)
        body["position"] = position_of(body["position"])
        assert body["position"] == answer.position
        return body


def clocks(body: dict[str, Any]) -> list[str]:
    return [start["start"][11:16] for start in body["starts"]]


def parsed(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


@asynccontextmanager
async def open_clinic(
    dsn: str,
    engine: AsyncEngine,
    reads: Snapshots,
    publisher: InvalidationPublisher | None = None,
    **terms: Any,
) -> AsyncIterator[Clinic]:
    """`terms`: of its service."""
    store = postgres_store(dsn, MASTERS)
    assert isinstance(store.journal, PostgresJournal)
    await store.journal.open()
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
        dsn, min_size=1, max_size=4, open=False, kwargs={"autocommit": True}
    )
    await pool.open()
    try:
        clinic = Clinic(store, await an_open_week(store, **terms), engine, reads, AvailabilityLoader(pool), publisher)
        await clinic.catch_up()
        yield clinic
    finally:
        await pool.close()
        await store.journal.close()
