"""A history that is read, and looks at what a rebuild makes of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from application.access import Role
from application.booking.appointment import (
    CancelAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.catalog.tag import CreateTag, create_tag
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from tests.conftest import Database
from tests.support.builders import an_open_week, somebody
from tests.support.sealed import MASTERS

Ask = Callable[..., Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    """As the role that owns the read models."""
    engine = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def ask(database: Database) -> AsyncIterator[Ask]:
    """The rows of a statement, as the superuser."""
    async with await AsyncConnection.connect(database.owner, autocommit=True) as connection:

        async def ask(statement: str) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(statement.encode())
            return await cursor.fetchall() if cursor.description else []

        yield ask


@pytest.fixture
async def life(database: Database, catch_up: Callable[[], Awaitable[None]]) -> int:
    """Providers, services, tags, customers, and appointments that were moved and cancelled; all read."""
    store = postgres_store(database.application, MASTERS)
    assert isinstance(store.journal, PostgresJournal)
    await store.journal.open()
    for capacity in (1, 3):
        week = await an_open_week(store, capacity=capacity, tags=["hair"])
        first, _, third = [
            (await book_appointment(week.booking(clock), store)).aggregate for clock in ("09:00", "10:00", "11:30")
        ]
        cancel = CancelAppointment(by=week.owner, appointment_id=first.id, reason="ill")
        await cancel_appointment(cancel, store)
        move = RescheduleAppointment(by=week.owner, appointment_id=third.id, start=week.at("09:00", day=1))
        await reschedule_appointment(move, store)
    await create_tag(CreateTag(by=somebody(Role.ADMIN), slug="hair", name="Hair"), store)
    done = await book_appointment(week.booking("15:00"), store)
    await store.journal.close()
    await catch_up()
    return done.position
