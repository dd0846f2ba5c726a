"""A rebuild works on a few projections at once: one that waits for PostgreSQL holds up none of the others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from projections.engine.apply import Checkpoint, Fenced
from projections.engine.event_feed import EventFeed
from projections.rebuild.concurrent_apply import ConcurrentApply
from projections.rebuild.generations import create
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.projections.story import a_customer, an_appointment
from tests.projections.waiting import eventually
from tests.support.sealed import CODEC

HELD = PROJECTIONS[0].name
_POSITIONS = text("SELECT reader, position FROM read.bookmark WHERE generation = 2")
_HOLD = text("SELECT FROM read.bookmark WHERE generation = 2 AND reader = :held FOR UPDATE")


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    """As the role that owns the read models, with an empty second generation."""
    engine = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    async with engine.begin() as connection:
        await connection.run_sync(create, 2, PROJECTIONS)
    yield engine
    await engine.dispose()


async def positions(owner: AsyncEngine) -> dict[str, int]:
    async with owner.connect() as connection:
        return {row.reader: row.position for row in await connection.execute(_POSITIONS)}


async def test_a_projection_that_waits_holds_up_none_of_the_others(write: Any, owner: AsyncEngine) -> None:
    head = await write(a_customer(), an_appointment(), a_customer())
    events = await EventFeed(owner, CODEC).after(0)

    async def others_are_there() -> bool:
        return {position for name, position in (await positions(owner)).items() if name != HELD} == {head}

    async with owner.connect() as holder:
        await holder.execute(_HOLD, {"held": HELD})
        page = asyncio.create_task(ConcurrentApply(owner).apply(2, PROJECTIONS, 0, events))
        await eventually(others_are_there)
        assert (await positions(owner))[HELD] == 0
        assert not page.done()
    assert await page == {each.name: Checkpoint(head) for each in PROJECTIONS}
    assert set((await positions(owner)).values()) == {head}


async def test_a_projection_that_another_process_moves_ends_the_page(write: Any, owner: AsyncEngine) -> None:
    await write(a_customer(), an_appointment())
    events = await EventFeed(owner, CODEC).after(0)
    async with owner.begin() as other:
        await other.execute(text("UPDATE read.bookmark SET position = 1 WHERE generation = 2 AND reader = 'customer'"))
    with pytest.raises(Fenced, match="customer"):
        await ConcurrentApply(owner).apply(2, PROJECTIONS, 0, events)
