"""Gathers what several tasks ask of the database: what arrives during one call goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

R = TypeVar("R")
A = TypeVar("A")
_Waiting = tuple[R, "asyncio.Future[A]"]


class GatheredCalls(Generic[R, A]):
    """`call`: asks for several at once. `most`: how many go with one call; `name`: of its task."""

    def __init__(self, call: Callable[[Sequence[R]], Awaitable[A]], name: str, *, most: int = 500) -> None:
        self._call, self._name, self._most = call, name, most
        self._waiting: list[_Waiting[R, A]] = []
        self._calling: asyncio.Task[None] | None = None

    async def add(self, row: R) -> A:
        """Returns what the call that the row went with answered; raises what it raised."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, answer))
        if self._calling is None:
            self._calling = asyncio.create_task(self._run(), name=self._name)
        return await answer

    async def _run(self) -> None:
        """Ask for what waits, call by call."""
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            futures = [answer for _, answer in batch if not answer.done()]  # else its caller was cancelled
            try:
                found = await self._call([row for row, _ in batch])
            except asyncio.CancelledError:
                self._calling = None
                for each in (*futures, *(answer for _, answer in self._waiting)):
                    each.cancel()
                raise
            except Exception as error:  # noqa: BLE001  each of those who wait raises it
                for each in futures:
                    if not each.done():
                        each.set_exception(error)
            else:
                for each in futures:
                    if not each.done():
                        each.set_result(found)
        self._calling = None
