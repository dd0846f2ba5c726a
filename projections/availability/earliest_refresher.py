"""Keeps `earliest` true: works out again what events have touched and what time has passed over.

Runs in the leading projector, beside the readers, in small batches. It knows what to do from the tables
alone, so after a crash, a lost lead or a rebuild the first look at everything finds what has become stale;
until it has got there, searches find what was so before, less what has passed.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.scheduling.availability import starts
from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import SUPPORTED
from projections.availability.earliest import AHEAD, NAME, EarliestStarts, ahead
from projections.availability.earliest_staleness import Pair, StalenessState, StaleRows
from projections.availability.loader import (
    AvailabilityLoader,
    AvailabilitySnapshot,
    LoadedCalendar,
    LoadedService,
)
from projections.engine.pg_notify import FIRST_PAUSE, LONGEST_PAUSE, POLL

HORIZONS = (timedelta(days=2), timedelta(days=14), timedelta(days=62))
"""Looked at one after the other, until enough starts are found; beyond the last is not looked."""
BATCH = 32  # pairs: some 20 ms, for which the readers may have to wait
SWEEP = 300.0  # seconds between looks at everything: should something ever be missed, it is found
REST = 0.05  # seconds between rounds; what comes in meanwhile is taken together

log = logging.getLogger(__name__)


class EarliestRefresher:
    """See above. `pool`: of autocommitting connections of the role that projects."""

    name = NAME

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._looks = AvailabilityLoader(pool)
        self._stale = StaleRows(pool)
        self._wake = asyncio.Event()
        self._forget()

    def _forget(self) -> None:
        self._generation, self._since, self._marked = 0, -1, -1
        self._swept = -SWEEP
        self._left: list[Pair] = []

    def wake(self) -> None:
        """A page has been read: look what it has touched."""
        self._wake.set()

    async def run(self) -> None:
        """For ever, while this process leads; cancel it to stop."""
        self._forget()  # another may have led meanwhile
        pause = FIRST_PAUSE
        while True:
            try:
                more = await self.round()
                pause = FIRST_PAUSE
            except Exception as error:  # noqa: BLE001  the readers beside it go on, whatever it is
                log.warning("who is free first is not worked out, again in %.1f s: %r", pause, error)
                await asyncio.sleep(pause)
                more, pause = True, min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(REST)
            if not more:
                await self._woken()

    async def catch_up(self) -> None:
        """Once, until nothing is left to do."""
        while await self.round():
            pass

    async def round(self) -> bool:
        """Work out all that is new, and a part of what else is left; whether there is more of that."""
        state = await self._stale.state()
        if state.generation != self._generation or monotonic() - self._swept >= SWEEP:
            self._left = [*await self._stale.all(state)]
            self._generation, self._swept = state.generation, monotonic()
        else:
            news = await self._stale.news(state, self._since) if state.position != self._since else ()
            for batch in _batches([*news, *await self._stale.due(state)]):
                await self._work_through(batch, state)
        self._since = state.position
        await self._work_through(self._left[:BATCH], state)
        self._left = self._left[BATCH:]
        if not self._left and state.position != self._marked:
            await self._stale.reached(state.position)
            self._marked = state.position
        return bool(self._left)

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _work_through(self, pairs: Sequence[Pair], state: StalenessState) -> None:
        """Work these out. One with which that can't be done keeps no other waiting: it is not found."""
        try:
            await self._work_out(pairs, state)
        except (psycopg.Error, PoolTimeout):
            raise  # not the pairs' fault
        except Exception:
            if len(pairs) == 1:
                log.exception("who is free first: provider %s with service %s", *pairs[0])
                await self._stale.keep((), pairs, state)
            else:
                for pair in pairs:
                    await self._work_through([pair], state)

    async def _work_out(self, pairs: Sequence[Pair], state: StalenessState) -> None:
        """Look at these, further and further ahead; keep what is found, drop what is no pair any more."""
        found: list[tuple[EarliestStarts, int]] = []
        wanted = set(pairs)
        for horizon in HORIZONS:
            if not wanted:
                break
            span = Interval(state.now, min(state.now + horizon, SUPPORTED.end))
            providers, services = zip(*wanted, strict=True)
            look = await self._looks.at_calendars([*set(services)], [*set(providers)], span, state.now)
            there = _bookable(look)
            rows = [_next(*there[pair], span, state.now) for pair in wanted & there.keys()]
            last = horizon is HORIZONS[-1]
            found += [(row, look.position) for row in rows if last or len(row.starts) == AHEAD]
            wanted = {row.pair for row in rows if not last and len(row.starts) < AHEAD}
        await self._stale.keep(found, {*pairs} - {row.pair for row, _ in found}, state)


def _batches(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    waiting = iter(dict.fromkeys(pairs))
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _bookable(look: AvailabilitySnapshot) -> Mapping[Pair, tuple[LoadedService, LoadedCalendar]]:
    return {
        (calendar.id, service.id): (service, calendar)
        for service in look.services
        for calendar in service.calendars
        if calendar.active and not service.withdrawn
    }


def _next(service: LoadedService, calendar: LoadedCalendar, span: Interval, now: datetime) -> EarliestStarts:
    return ahead(service, calendar, starts(service.offer, calendar.hours, calendar.occupied, span, now), now)
