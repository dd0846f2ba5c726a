"""How far has each reader read? Known in every process a moment after it is so."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing, suppress
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.pg_notify import heard

CHANNEL = "read"

_BOOKMARKS = text("""
    SELECT reader, position FROM read.live JOIN read.bookmark USING (generation)
    UNION ALL SELECT 'earliest', position FROM read.earliest_mark""")
_APART = {"earliest"}  # no reader, and behind them: says itself how far it is

log = logging.getLogger(__name__)


def announcement(positions: Mapping[str, int]) -> str:
    """What is said on the channel: the foremost position, and who is not there ("4711 agenda=4600")."""
    head = max(positions.values(), default=0)
    return " ".join([str(head), *(f"{reader}={at}" for reader, at in positions.items() if at != head)])


class _Waiter(NamedTuple):
    reader: str
    position: int
    woken: asyncio.Future[None]


class Positions:
    """The readers' positions, followed from `async with` on: told by the projector, looked up each second."""

    def __init__(self, engine: AsyncEngine, application: str = "daybook-positions") -> None:
        self._engine = engine
        self._application = application
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
        """Reader -> position, as last heard: it may be further by now."""
        return self._known

    def reached(self, reader: str, position: int) -> bool:
        return self._known.get(reader, 0) >= position

    async def wait(self, reader: str, position: int, timeout: float = 1.0) -> bool:  # noqa: ASYNC109
        """Whether the reader gets to the position within `timeout` seconds."""
        if self.reached(reader, position):
            return True
        waiter = _Waiter(reader, position, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter.woken, timeout)
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True

    async def _follow(self) -> None:
        async with aclosing(heard(self._engine, CHANNEL, self._application)) as notices:
            async for notice in notices:
                try:
                    self._learn(await self._look() if notice is None else self._understand(notice))
                except (SQLAlchemyError, ValueError) as error:
                    log.warning("the readers' positions are not known: %s", error)

    async def _look(self) -> Mapping[str, int]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_BOOKMARKS)
            return {row.reader: row.position for row in rows}

    def _understand(self, notice: str) -> Mapping[str, int]:
        head, *exceptions = notice.split()
        behind = {reader: int(at) for reader, at in (each.split("=") for each in exceptions)}
        # Said before the last look, perhaps: nobody goes back for that.
        said = {**dict.fromkeys(self._known.keys() - _APART, int(head)), **behind}
        return {**self._known, **{reader: max(at, self._known.get(reader, 0)) for reader, at in said.items()}}

    def _learn(self, positions: Mapping[str, int]) -> None:
        self._known = dict(positions)
        for waiter in self._waiters:
            if not waiter.woken.done() and self.reached(waiter.reader, waiter.position):
                waiter.woken.set_result(None)
