"""Gathers rows that several tasks record: what arrives during one call of the database goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

R = TypeVar("R")
A = TypeVar("A")
_Waiting = tuple[R, "asyncio.Future[A]"]


class GatheredRows(Generic[R, A]):
    """`record`: records rows in one call. `most`: rows of one call; `name`: of its task."""

    def __init__(self, record: Callable[[Sequence[R]], Awaitable[A]], name: str, *, most: int = 500) -> None:
        self._record, self._name, self._most = record, name, most
        self._waiting: list[_Waiting[R, A]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, row: R) -> A:
        """Returns what the call that recorded the row answered; raises what it raised."""
        recorded: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, recorded))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name=self._name)
        return await recorded

    async def _write(self) -> None:
        """Record what waits, call by call."""
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            futures = [recorded for _, recorded in batch if not recorded.done()]  # else its caller was cancelled
            try:
                answer = await self._record([row for row, _ in batch])
            except Exception as error:  # noqa: BLE001  each of those who wait raises it
                for each in futures:
                    if not each.done():
                        each.set_exception(error)
            else:
                for each in futures:
                    if not each.done():
                        each.set_result(answer)
        self._writing = None
