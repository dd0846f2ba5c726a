"""The position of each projection, known in every process a moment after its commit."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from types import TracebackType
from typing import NamedTuple, Self

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.cancellation import check_cancelled
from projections.engine.pg_notify import notifications

CHANNEL = "read"

_CHECKPOINTS = text("""
    SELECT reader, position FROM read.live JOIN read.bookmark USING (generation)
    UNION ALL SELECT 'earliest', position FROM read.earliest_mark""")
_APART = {"earliest"}  # no projection, and behind them: announces its own position

logger = structlog.get_logger(__name__)


def announcement(positions: Mapping[str, int]) -> str:
    """The payload on the channel: the foremost position, and the projections behind it ("4711 agenda=4600")."""
    head = max(positions.values(), default=0)
    return " ".join([str(head), *(f"{name}={at}" for name, at in positions.items() if at != head)])


class _Waiter(NamedTuple):
    projection: str
    position: int
    woken: asyncio.Future[None]


class Positions:
    """The projections' positions, followed from `async with` on: the projector announces them, a poll repairs.

    `on_progress`: called with the foremost position.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        application: str = "daybook-positions",
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._application = application
        self._on_progress = on_progress
        self._known: dict[str, int] = {}
        self._waiters: set[_Waiter] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def known(self) -> Mapping[str, int]:
        """Projection -> position, as last heard: it may be further by now."""
        return self._known

    def reached(self, projection: str, position: int) -> bool:
        return self._known.get(projection, 0) >= position

    async def wait(self, projection: str, position: int, timeout: float = 1.0) -> bool:  # noqa: ASYNC109
        """Whether the projection gets to the position within `timeout` seconds."""
        if self.reached(projection, position):
            return True
        waiter = _Waiter(projection, position, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter.woken
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True

    async def _follow(self) -> None:
        async with aclosing(notifications(self._engine, CHANNEL, self._application)) as payloads:
            async for payload in payloads:
                try:
                    self._learn(await self._query() if payload is None else self._parse(payload))
                except (SQLAlchemyError, ValueError) as error:
                    check_cancelled()
                    logger.warning("projection positions are unknown", outage="postgresql", error=str(error))

    async def _query(self) -> Mapping[str, int]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_CHECKPOINTS)
            return {row.reader: row.position for row in rows}

    def _parse(self, payload: str) -> Mapping[str, int]:
        head, *exceptions = payload.split()
        behind = {name: int(at) for name, at in (each.split("=") for each in exceptions)}
        # Perhaps announced before the last query: no position goes back for that.
        announced = {**dict.fromkeys(self._known.keys() - _APART, int(head)), **behind}
        return {**self._known, **{name: max(at, self._known.get(name, 0)) for name, at in announced.items()}}

    def _learn(self, positions: Mapping[str, int]) -> None:
        self._known = dict(positions)
        self._on_progress(max(positions.values(), default=0))
        for waiter in self._waiters:
            if not waiter.woken.done() and self.reached(waiter.projection, waiter.position):
                waiter.woken.set_result(None)
