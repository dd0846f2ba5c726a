"""The event log as handlers see it: the repository port, and commands, which load, decide and record.

A decision is recorded only if it is still based on fresh state: the transaction that records checks every stream
that the attempt loaded, together with those it writes. If another writer came first, the handler decides again.
A refusal rests on those that it consulted, too.
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
from application.jobs.job import JobRequest
from domain.booking.origin import Channel
from domain.errors import Forbidden, Invalid, Refusal, Stale
from domain.kernel import Aggregate

A = TypeVar("A", bound=Aggregate)
C = TypeVar("C", bound="Command")
R = TypeVar("R")
P = ParamSpec("P")


class KeyReused(Invalid):
    """This Idempotency-Key was used for another request."""


class Unavailable(Exception):
    """Daybook is temporarily unavailable. Try again."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        """`retry_after`: seconds."""
        super().__init__(detail)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """Daybook is overloaded. Try again later."""


class ConcurrencyConflict(Exception):
    """Another writer came first: the handler decides again on fresh state."""


INCONSISTENT = ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError
"""The errors of a handler that met streams of different moments, such as a request without its seat on the Day."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's Idempotency-Key. `value`: 32 bytes over caller and key; `fingerprint`: over the request."""

    value: bytes
    fingerprint: bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """The common fields of commands and queries.

    `correlation`: the id that log lines and events of one request share. `cause`: what made Daybook act by itself, such
    as "job:<key>". `channel`: the way by which the request came.
    """

    by: Caller
    correlation: str = ""
    cause: str = ""
    channel: Channel = Channel.API


@dataclass(frozen=True, kw_only=True)
class Command(Request):
    """A data transfer object (DTO): what a caller wants changed. Each subclass has one handler.

    `key`: makes retries safe. `version`: the aggregate's version that the caller has seen; None: any. `demo`: a part of
    the demo town.
    """

    key: IdempotencyKey | None = None
    version: int | None = None
    demo: bool = False

    def expect(self, aggregate: Aggregate) -> None:
        """Raise Stale unless the aggregate is at the version the caller has seen (If-Match)."""
        if self.version is not None and self.version != aggregate.version:
            raise Stale(aggregate.version, self.version)


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[A]):
    """A data transfer object (DTO): the aggregate as the command left it, and the log position that includes it.

    `replayed`: the command was carried out before, under the same idempotency key.
    """

    aggregate: A
    position: int
    replayed: bool = False


class EventReader(Protocol):
    """The reading half of the repository: all that a query gets."""

    async def find(self, kind: type[A], id: UUID) -> A | None:
        """The aggregate to read, or None. It is shared with other requests: never change it."""
        ...

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        """As `find`, several in the given order, in one read."""
        ...

    async def load(self, kind: type[A], id: UUID) -> A:
        """As `find`; raises NotFound."""
        ...


class EventLog(EventReader, Protocol):
    """Repository: loads aggregates by id and records their events. One object serves one attempt of a command.

    Aggregates may come from a cache; `record` refuses a decision that was based on a stale one.
    """

    async def edit(self, kind: type[A], id: UUID) -> A:
        """A copy to change; other commands of this process wait for the stream. Raises NotFound."""
        ...

    async def edit_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        """As `edit`, several at once in the given order; None where there is no stream yet."""
        ...

    def consult(self) -> EventReader:
        """Reads what only a refusal rests on: a decision that is recorded does not depend on these streams.

        A booking does not depend on the providers that were looked at before the chosen one.
        """
        ...

    async def unseal(self, aggregate: A) -> A:
        """The aggregate that `edit` gave, its personal data decrypted (None where the person is erased)."""
        ...

    async def record(
        self,
        answer: Aggregate,
        *others: Aggregate,
        forgets: Sequence[UUID] = (),
        enqueues: Sequence[JobRequest] = (),
    ) -> None:
        """Record all pending events in one transaction. `answer`: the aggregate that the command answers with.

        `forgets`: persons whose encryption keys are deleted in the same transaction. `enqueues`: jobs enqueued in it.
        """
        ...


class CommandAttempt(EventLog, Protocol):
    """An EventLog, with the methods that end an attempt: only `command` and `query` use them."""

    async def settle(self, answer: Aggregate) -> CommandResult[Any]:
        """The result of a command. Raises ConcurrencyConflict if nothing was recorded and `answer` is stale."""
        ...

    async def observe(self, answer: R) -> tuple[R, int]:
        """The answer of a query, and the log position as of which it holds. Raises ConcurrencyConflict if stale."""
        ...

    async def confirm(self) -> CommandResult[Any] | None:
        """Confirm that a handler has to fail: None, or the reply stored under the same idempotency key.

        Raises ConcurrencyConflict if it failed on stale state, or on streams of different moments.
        """
        ...


class EventStore(Protocol):
    """The event store of this process. Results of commands and queries have their personal data decrypted."""

    def attempts(self, request: Request) -> CommandAttempts: ...

    def now(self) -> datetime:
        """The database's clock, UTC."""
        ...

    async def address_id(self, email: str) -> UUID:
        """The stream of an e-mail address: a keyed hash, the same for every spelling of one mailbox."""
        ...

    async def knows(self, subject: UUID) -> bool:
        """Whether a person's key exists, so that their personal data can be read."""
        ...


class CommandAttempts(Protocol):
    """Attempts of one request, with jitter between them; raises Unavailable after the deadline."""

    def __aiter__(self) -> CommandAttempts: ...

    async def __anext__(self) -> AbstractAsyncContextManager[CommandAttempt]: ...


Handler = Callable[Concatenate[C, EventLog, datetime, P], Awaitable[A]]


def command(handler: Handler[C, P, A]) -> Callable[Concatenate[C, EventStore, P], Awaitable[CommandResult[A]]]:
    """Make `handler(cmd, log, now, *ports)` a command `run(cmd, store, *ports)`, tried again after a conflict.

    Raises the handler's refusal or fault once it is confirmed on fresh state, and Unavailable.
    """

    @wraps(handler)
    async def run(cmd: C, store: EventStore, /, *ports: P.args, **named: P.kwargs) -> CommandResult[A]:
        if cmd.by.seen_by is not None:
            raise Forbidden("Who looks as a customer changes nothing.")
        async for attempt in store.attempts(cmd):
            try:
                async with attempt as log:
                    try:
                        answer = await handler(cmd, log, store.now(), *ports, **named)
                        return await log.settle(answer)
                    except (Refusal, *INCONSISTENT):
                        kept = await log.confirm()
                        if kept is None:
                            raise
                        return kept
            except ConcurrencyConflict:
                continue
        raise AssertionError("attempts end with an answer or an error")

    return run
