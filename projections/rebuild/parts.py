"""A rebuild in parts: several processes read the log, each for the tables of some projections."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.event_feed import HEAD
from projections.engine.projection import Projection

LEAST = 20_000  # events: fewer are read sooner than processes have started
GLANCE = 0.3  # seconds between two looks at the progress
WEIGHTS = {"analysis": 5, "job": 5, "audit": 3, "occupancy": 3}
WEIGHTS |= dict.fromkeys(("account", "consent", "hold", "ledger_tree", "organization", "waitlist", "webhook"), 1)
MEDIUM = 2
"""How long a projection takes over a log, beside others: measured on one of bookings, moves and cancellations."""

_HEAD = text(f"SELECT {HEAD}")
_REACHED = text("SELECT min(position) FROM read.bookmark WHERE generation = :made")


class RebuildFailed(Exception):
    """A process of the rebuild has failed or ended; the read models in use stay in use."""


class RebuildParts(Protocol):
    """Processes that fill a generation."""

    async def fill(self, made: int, upto: int) -> None:
        """Until all projections are at a position; raises UndecodableEvents and RebuildFailed."""
        ...


def divided(projections: Sequence[Projection], count: int) -> Sequence[Sequence[Projection]]:
    """The projections in `count` parts that take about as long. No part is empty."""
    parts: list[list[Projection]] = [[] for _ in range(min(count, len(projections)))]
    for projection in sorted(projections, key=_weight, reverse=True):
        min(parts, key=lambda part: sum(map(_weight, part))).append(projection)
    return parts


def _weight(projection: Projection) -> int:
    return WEIGHTS.get(projection.name, MEDIUM)


async def fill_in_parts(
    engine: AsyncEngine, parts: RebuildParts, made: int, progress: Callable[[int, int], None] | None
) -> None:
    """Fill a generation up to the head of the log as it is now; a short log is left to the caller.

    `progress`: called with the position that all projections have reached, and the head.
    """
    async with engine.connect() as connection:
        upto: int = (await connection.execute(_HEAD)).scalar_one()
    if upto < LEAST:
        return
    filling = asyncio.create_task(parts.fill(made, upto))
    try:
        while not (await asyncio.wait({filling}, timeout=GLANCE))[0]:
            async with engine.connect() as connection:
                reached: int = (await connection.execute(_REACHED, {"made": made})).scalar_one()
            if progress:
                progress(reached, upto)
    finally:
        filling.cancel()
        await asyncio.wait({filling})
    filling.result()
