"""Refreshes `earliest`: computes again the rows that events have touched or that time has outdated.

Runs in the leading projector, beside the projections, in small batches. The tables alone say what to do, so
that after a crash, a lost lead or a rebuild the first sweep finds all stale rows; until then, searches find
the earlier starts, without those that have passed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.scheduling.availability import starts
from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import SUPPORTED
from projections.availability.earliest import AHEAD, NAME, EarliestStarts, ahead
from projections.availability.earliest_staleness import LeadTaken, Pair, StalenessState, StaleRows
from projections.availability.loader import AvailabilityLoader
from projections.availability.snapshot import AvailabilitySnapshot, LoadedCalendar, LoadedService
from projections.engine.cancellation import check_cancelled
from projections.engine.pg_notify import FIRST_PAUSE, LONGEST_PAUSE, POLL

HORIZONS = (timedelta(days=2), timedelta(days=14), timedelta(days=62))
"""Loaded one after the other, until enough starts are found; none are found beyond the last."""
BATCH = 32  # pairs: some 20 ms, for which the projections may have to wait
SWEEP = 300.0  # seconds between sweeps of all pairs, which find whatever was missed
REST = 0.05  # seconds between rounds; events that arrive meanwhile are handled together

logger = structlog.get_logger(__name__)


class EarliestRefresher:
    """The follower of the projector. `pool`: autocommitting connections of the projector's role."""

    name = NAME

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._loader = AvailabilityLoader(pool)
        self._stale = StaleRows(pool)
        self._wake = asyncio.Event()
        self._forget()

    def _forget(self) -> None:
        self._generation, self._since, self._marked = 0, -1, -1
        self._swept = -SWEEP
        self._left: list[Pair] = []

    def wake(self) -> None:
        """A page has been committed: check what it has touched."""
        self._wake.set()

    async def run(self) -> None:
        """Refresh stale rows until cancelled, while this process leads."""
        pause, leads = FIRST_PAUSE, False
        while True:
            try:
                if not leads:
                    await self._stale.take_lead()
                    self._forget()  # another process may have led meanwhile
                    leads = True
                more = await self.round()
                pause = FIRST_PAUSE
            except Exception as error:  # noqa: BLE001  the projections beside it go on, whatever it is
                check_cancelled()
                # A former leader that was paused right before it took the lead may take it while this one leads.
                leads = leads and not isinstance(error, LeadTaken)
                logger.warning("earliest-start table is behind", outage="postgresql", error=repr(error))
                await asyncio.sleep(pause)
                more, pause = True, min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(REST)
            if not more:
                await self._woken()

    async def catch_up(self) -> None:
        """Refresh until nothing is stale, as the leader."""
        await self._stale.take_lead()
        while await self.round():
            pass

    async def round(self) -> bool:
        """Refresh all rows touched since, and a batch of the sweep's; whether more are left of the sweep."""
        state = await self._stale.state()
        if state.generation != self._generation or monotonic() - self._swept >= SWEEP:
            self._left = [*await self._stale.all(state)]
            self._generation, self._swept = state.generation, monotonic()
        else:
            news = await self._stale.news(state, self._since) if state.position != self._since else ()
            for batch in _batches([*news, *await self._stale.due(state)]):
                await self._refresh(batch, state)
        self._since = state.position
        await self._refresh(self._left[:BATCH], state)
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

    async def _refresh(self, pairs: Sequence[Pair], state: StalenessState) -> None:
        """Refresh these pairs. One that fails holds up no other: its row is dropped."""
        try:
            await self._compute(pairs, state)
        except (psycopg.Error, PoolTimeout):
            raise  # the pairs did not cause it
        except Exception:
            if len(pairs) == 1:
                provider_id, service_id = map(str, pairs[0])
                logger.exception("no earliest start for a pair", provider_id=provider_id, service_id=service_id)
                await self._stale.keep((), pairs, state)
            else:
                for pair in pairs:
                    await self._refresh([pair], state)

    async def _compute(self, pairs: Sequence[Pair], state: StalenessState) -> None:
        """Compute these further and further ahead; store the rows found, drop pairs that no longer exist."""
        found: list[tuple[EarliestStarts, int]] = []
        wanted = set(pairs)
        for horizon in HORIZONS:
            if not wanted:
                break
            span = Interval(state.now, min(state.now + horizon, SUPPORTED.end))
            providers, services = zip(*wanted, strict=True)
            snapshot = await self._loader.at_calendars([*set(services)], [*set(providers)], span, state.now)
            there = _bookable(snapshot)
            rows = [_next(*there[pair], span, state.now) for pair in wanted & there.keys()]
            last = horizon is HORIZONS[-1]
            found += [(row, snapshot.position) for row in rows if last or len(row.starts) == AHEAD]
            wanted = {row.pair for row in rows if not last and len(row.starts) < AHEAD}
        await self._stale.keep(found, {*pairs} - {row.pair for row, _ in found}, state)


def _batches(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    waiting = iter(dict.fromkeys(pairs))
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _bookable(snapshot: AvailabilitySnapshot) -> Mapping[Pair, tuple[LoadedService, LoadedCalendar]]:
    return {
        (calendar.id, service.id): (service, calendar)
        for service in snapshot.services
        for calendar in service.calendars
        if calendar.active and not service.withdrawn
    }


def _next(service: LoadedService, calendar: LoadedCalendar, span: Interval, now: datetime) -> EarliestStarts:
    return ahead(service, calendar, starts(service.offer, calendar.hours, calendar.occupied, span, now), now)
