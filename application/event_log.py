"""The Log: load, decide, record. What a handler sees of the store, and how a command is tried.

A decision stands only if nothing it looked at has moved: every stream that an attempt loaded is
checked, together with those it writes, in the transaction that records. Whoever comes second decides
again on fresh state.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar
from uuid import UUID

from application.access import Caller
from domain.errors import Invalid, Refusal, Stale
from domain.kernel import Aggregate

A = TypeVar("A", bound=Aggregate)
C = TypeVar("C", bound="Command")
P = ParamSpec("P")


class KeyReused(Invalid):
    """This Idempotency-Key was used for another request."""


class Unavailable(Exception):
    """The log can't answer now; try again later."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        """`retry_after`: seconds."""
        super().__init__(detail)
        self.retry_after = retry_after


class ConcurrencyConflict(Exception):
    """Somebody wrote first: decide again on fresh state."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's Idempotency-Key. `value`: 32 bytes over caller and key; `fingerprint`: over the request."""

    value: bytes
    fingerprint: bytes


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command says: who asks, under which key, on which version it builds (None: any)."""

    by: Caller
    key: IdempotencyKey | None = None
    version: int | None = None
    correlation: str = ""

    def expect(self, aggregate: Aggregate) -> None:
        """Raise Stale unless the aggregate is at the version the caller has seen (If-Match)."""
        if self.version is not None and self.version != aggregate.version:
            raise Stale(aggregate.version)


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[A]):
    """A command's answer: the aggregate as it was then, and the position that shows it to readers."""

    aggregate: A
    position: int
    replayed: bool = False


class EventLog(Protocol):
    """One attempt's view of the log. What it hands out is as fresh as the cache, and checked on record."""

    async def find(self, kind: type[A], id: UUID) -> A | None:
        """The aggregate to read (shared: never change it), or None."""
        ...

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        """As `find`, several in the given order, in one look-up."""
        ...

    async def load(self, kind: type[A], id: UUID) -> A:
        """As `find`; raises NotFound."""
        ...

    async def edit(self, kind: type[A], id: UUID) -> A:
        """An own copy to change; the stream is kept from other writers here. Raises NotFound."""
        ...

    async def edit_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        """As `edit`, several at once in the given order; None where there is no stream yet."""
        ...

    async def unseal(self, aggregate: A) -> A:
        """What `edit` gave, with all that is personal in it readable (None where it is forgotten)."""
        ...

    async def record(self, answer: Aggregate, *others: Aggregate, forgets: Sequence[UUID] = ()) -> None:
        """Record all pending events in one transaction. `answer` is what the command answers with.

        `forgets`: persons whose keys are deleted with it.
        """
        ...


class CommandAttempt(EventLog, Protocol):
    """A Log with the ends that only `command` uses."""

    async def settle(self, answer: Aggregate) -> CommandResult[Any]:
        """The answer to give: of what was recorded, or confirmed fresh when nothing was; may raise Moved."""
        ...

    async def confirm(self) -> CommandResult[Any] | None:
        """Is a refusal true? None: it is; else the kept answer of the same key. Raises Moved if it is not."""
        ...


class EventStore(Protocol):
    """The log of this process. What its commands answer with can be read, personal parts too."""

    def attempts(self, command: Command) -> CommandAttempts: ...

    def now(self) -> datetime:
        """The database's clock, UTC."""
        ...

    async def address_id(self, email: str) -> UUID:
        """The stream of an e-mail address: a keyed hash, the same however it is written."""
        ...

    async def knows(self, subject: UUID) -> bool:
        """Whether a person's key is there, so that what is personal of them can be read."""
        ...


class CommandAttempts(Protocol):
    """Bounded tries of one command: iterates with jitter until the deadline, then raises Unavailable."""

    def __aiter__(self) -> CommandAttempts: ...

    async def __anext__(self) -> AbstractAsyncContextManager[CommandAttempt]: ...


Handler = Callable[Concatenate[C, EventLog, datetime, P], Awaitable[A]]


def command(handler: Handler[C, P, A]) -> Callable[Concatenate[C, EventStore, P], Awaitable[CommandResult[A]]]:
    """Make `handler(cmd, log, now, *ports)` a command `run(cmd, store, *ports)`: tried again when somebody wrote first.

    Raises the handler's refusal once it is true on fresh state, and Unavailable.
    """

    @wraps(handler)
    async def run(cmd: C, store: EventStore, /, *ports: P.args, **named: P.kwargs) -> CommandResult[A]:
        async for attempt in store.attempts(cmd):
            try:
                async with attempt as log:
                    try:
                        answer = await handler(cmd, log, store.now(), *ports, **named)
                        return await log.settle(answer)
                    except Refusal:
                        kept = await log.confirm()
                        if kept is None:
                            raise
                        return kept
            except ConcurrencyConflict:
                continue
        raise AssertionError("attempts end with an answer or an error")

    return run
