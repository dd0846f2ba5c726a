"""Playing the acts of the demo town: commands at their times, those that the log does not have yet."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.event_log import Command, CommandAttempts, EventStore, Request
from domain.errors import Conflict, NotFound
from domain.kernel import Aggregate
from interfaces.demo.charter import Act, admin

IN_FLIGHT = 64  # about half of them wait for their lane

A = TypeVar("A", bound=Aggregate)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BackInTime:
    """The store at an earlier time, since commands refuse to book the past.

    Only `now` differs; attempts, locks and checks are the store's own.
    """

    store: EventStore
    clock: datetime

    def attempts(self, request: Request) -> CommandAttempts:
        return self.store.attempts(request)

    def now(self) -> datetime:
        return self.clock

    async def knows(self, subject: UUID) -> bool:
        return await self.store.knows(subject)

    async def address_id(self, email: str) -> UUID:
        return await self.store.address_id(email)


async def play(
    store: EventStore, seed: int, stages: Sequence[Sequence[Act]], progress: Progress, in_flight: int = IN_FLIGHT
) -> None:
    """Run the commands that the log does not have yet, so many at once."""
    streams = dict.fromkeys(act.stream for stage in stages for act in stage)
    found = await look(store, seed, Aggregate, streams)
    reached = {aggregate.id: aggregate.version for aggregate in found if aggregate is not None}
    missing = [[act for act in stage if act.step > reached.get(act.stream, 0)] for stage in stages]
    total = sum(map(len, stages))
    done = total - sum(map(len, missing))

    def report() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    for stage in missing:
        await _play_stage(store, stage, report, in_flight)


async def _play_stage(store: EventStore, stage: Sequence[Act], report: Callable[[], None], in_flight: int) -> None:
    """Play the acts in order, a few at a time, one by one within a lane, so that each stream is always the same."""
    upcoming = iter(stage)
    lanes: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def work() -> None:
        for act in upcoming:
            async with lanes[act.lane]:  # first come, first served
                await _perform(store, act)
            report()

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(in_flight):
                workers.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _perform(store: EventStore, act: Act) -> None:
    with suppress(Conflict, NotFound):  # a user of the town was first
        await act.handler(act.command, BackInTime(store, act.at))


async def look(store: EventStore, seed: int, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
    """The aggregates of these streams; None for one without events."""
    async for attempt in store.attempts(Command(by=admin(seed))):
        async with attempt as log:
            return await log.find_all(kind, ids)
    raise AssertionError("attempts end with an answer or an error")
