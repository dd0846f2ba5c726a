"""Gathers what several tasks ask of the database: what arrives while calls are under way goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

R = TypeVar("R")
A = TypeVar("A")
_Waiting = tuple[R, asyncio.Future[A]]


class GatheredCalls(Generic[R, A]):
    """`call`: asks for several at once. `most`: how many go with one call; `at_once`: calls; `name`: of their tasks."""

    def __init__(
        self, call: Callable[[Sequence[R]], Awaitable[A]], name: str, *, most: int = 500, at_once: int = 1
    ) -> None:
        self._call, self._name, self._most, self._at_once = call, name, most, at_once
        self._waiting: list[_Waiting[R, A]] = []
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop keeps none alive

    async def add(self, row: R) -> A:
        """Returns what the call that the row went with answered; raises what it raised."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, answer))
        if self._running < self._at_once:
            self._running += 1
            # In a context of its own: it belongs to no request, and to no transaction that a caller may be in.
            task = asyncio.create_task(self._run(), name=self._name, context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _run(self) -> None:
        """Ask for what waits, call by call."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(batch)
        finally:
            self._running -= 1  # here, not when the task is done: somebody may ask in between
            if not self._running:  # something waits only if the task was cancelled, so nobody would answer it
                for _, answer in self._waiting:
                    answer.cancel()
                self._waiting = []

    async def _answer(self, batch: Sequence[_Waiting[R, A]]) -> None:
        futures = [answer for _, answer in batch if not answer.done()]  # else its caller was cancelled
        try:
            found = await self._call([row for row, _ in batch])
        except asyncio.CancelledError:
            for each in futures:
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
