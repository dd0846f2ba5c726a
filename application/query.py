"""Queries: look-ups of the current state of aggregates, which go to the event log and not to a read model."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Generic, TypeVar
from uuid import UUID

from application.event_log import INCONSISTENT, ConcurrencyConflict, EventReader, EventStore, Request
from domain.errors import Refusal
from domain.kernel import Aggregate

A = TypeVar("A", bound=Aggregate)
Q = TypeVar("Q", bound="Lookup")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Lookup(Request):
    """A data transfer object (DTO): what a caller wants to know. Each subclass has one handler.

    A query changes nothing, so it has no idempotency key and expects no version.
    """


@dataclass(frozen=True, slots=True)
class QueryResult(Generic[R]):
    """A data transfer object (DTO): the answer of a query, and the log position as of which it holds."""

    aggregate: R
    position: int


class _ReadOnly:
    """An attempt without its writing half, so that a query can't record by accident."""

    __slots__ = ("_reader",)

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader

    async def find(self, kind: type[A], id: UUID) -> A | None:
        return await self._reader.find(kind, id)

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        return await self._reader.find_all(kind, ids)

    async def load(self, kind: type[A], id: UUID) -> A:
        return await self._reader.load(kind, id)


Handler = Callable[[Q, EventReader, datetime], Awaitable[R]]


def query(handler: Handler[Q, R]) -> Callable[[Q, EventStore], Awaitable[QueryResult[R]]]:
    """Make `handler(asked, log, now)` a query `run(asked, store)`, tried again until its answer is of one moment.

    Raises the handler's refusal or fault once it is confirmed on fresh state, and Unavailable.
    """

    @wraps(handler)
    async def run(asked: Q, store: EventStore) -> QueryResult[R]:
        async for attempt in store.attempts(asked):
            try:
                async with attempt as log:
                    try:
                        return QueryResult(*await log.observe(await handler(asked, _ReadOnly(log), store.now())))
                    except (Refusal, *INCONSISTENT):
                        await log.confirm()
                        raise
            except ConcurrencyConflict:
                continue
        raise AssertionError("attempts end with an answer or an error")

    return run
