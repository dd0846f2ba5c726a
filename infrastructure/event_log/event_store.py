"""The log of this process: aggregates from cache or journal, tries of a command, and what it answers."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

from application.event_log import Command, CommandResult, ConcurrencyConflict, KeyReused, Unavailable
from domain.errors import NotFound
from domain.kernel import Aggregate
from infrastructure.event_log.aggregate_cache import UNKNOWN, AggregateCache
from infrastructure.event_log.event_codec import EventRow, decode, encode, evolve
from infrastructure.event_log.journal import Appended, DuplicateCommand, Journal, LogEntry, StaleReads
from infrastructure.event_log.stream_locks import StreamLocks
from infrastructure.privacy.field_encryption import MasterKeys, personal_of
from infrastructure.privacy.keyring import Keyring, seal_again

A = TypeVar("A", bound=Aggregate)


class EventStore:
    """The event store, over a journal. `deadline`: seconds until a command that keeps losing ends."""

    def __init__(
        self, journal: Journal, masters: MasterKeys, *, cache_size: int = 50_000, deadline: float = 5.0
    ) -> None:
        self.journal = journal
        self.keyring = Keyring(journal.keys, masters)
        self.cache = AggregateCache(cache_size)
        self.locks = StreamLocks(deadline)
        self.deadline = deadline

    async def open(self) -> None:
        """Connect; raises psycopg.OperationalError when there is no database."""
        await self.journal.open()

    async def close(self) -> None:
        """Record what is queued, then disconnect."""
        await self.journal.close()

    def now(self) -> datetime:
        """The journal's clock, UTC."""
        return self.journal.now()

    async def address_id(self, email: str) -> UUID:
        """The stream of an e-mail address: a keyed hash, the same however it is written."""
        return await self.keyring.address_id(email)

    async def knows(self, subject: UUID) -> bool:
        """See application.event_log.Store."""
        return bool(await self.keyring.for_reading([subject]))

    def attempts(self, command: Command) -> CommandAttempts:
        """Tries of a command, until the deadline."""
        return CommandAttempts(self, command)

    async def fetch(self, streams: Sequence[UUID]) -> tuple[dict[UUID, Aggregate | None], bool]:
        """The streams' aggregates, and whether any came from the cache."""
        known = {stream: self.cache.get(stream) for stream in streams}
        unknown = [stream for stream, aggregate in known.items() if aggregate is UNKNOWN]
        if unknown:
            epoch, events = self.journal.epoch, await self.journal.read(unknown)
            if epoch != self.journal.epoch:
                raise ConcurrencyConflict  # what was read is perhaps no more
            return known | self.cache.load(unknown, events), len(unknown) < len(known)
        return known, True

    def learn(self, overtaken: StaleReads) -> None:
        """Bring the cache up to date with what a decision had missed."""
        if overtaken.missed:
            self.cache.advance(overtaken.missed)
        else:  # a stream is shorter than thought (after a failover or restore), or nothing moved at all
            self.cache.drop(overtaken.reads)


class CommandAttempts:
    """application.event_log.Attempts: the first at once, later ones after a short random pause."""

    def __init__(self, store: EventStore, command: Command) -> None:
        self._store = store
        self._command = command
        self._count = 0
        self._key = command.key.value if command.key else secrets.token_bytes(32)
        self._metadata = _metadata(command)
        self._until = asyncio.get_running_loop().time() + store.deadline

    def __aiter__(self) -> CommandAttempts:
        return self

    async def __anext__(self) -> CommandAttempt:
        if self._count:
            if asyncio.get_running_loop().time() > self._until:
                raise Unavailable("Others keep writing first.")
            await asyncio.sleep(random.uniform(0, 0.001 * min(self._count, 20)))  # noqa: S311  jitter
        self._count += 1
        return CommandAttempt(self._store, self._command, self._key, self._metadata)


class CommandAttempt:
    """application.event_log.Attempt: remembers the version of every stream it handed out."""

    def __init__(self, store: EventStore, command: Command, key: bytes, metadata: str) -> None:
        self._store = store
        self._command = command
        self._key = key
        self._metadata = metadata
        self._epoch = store.journal.epoch
        self._reads: dict[UUID, int] = {}
        self._held: list[UUID] = []
        self._cached = False
        self._result: Appended | DuplicateCommand | None = None

    async def __aenter__(self) -> CommandAttempt:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    async def find(self, kind: type[A], id: UUID) -> A | None:
        """See application.event_log.Log."""
        aggregate = self._store.cache.get(id)
        if aggregate is UNKNOWN:
            return (await self.find_all(kind, [id]))[0]
        self._cached = True
        return self._see(kind, id, aggregate)

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        """See application.event_log.Log."""
        wanted = list(ids)
        found, cached = await self._store.fetch(wanted)
        self._cached |= cached
        return [self._see(kind, id, found[id]) for id in wanted]

    async def load(self, kind: type[A], id: UUID) -> A:
        """See application.event_log.Log."""
        return _there(kind, id, await self.find(kind, id))

    async def edit(self, kind: type[A], id: UUID) -> A:
        """See application.event_log.Log."""
        return _there(kind, id, (await self.edit_all(kind, [id]))[0])

    async def edit_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        """See application.event_log.Log."""
        wanted = list(ids)
        for id in sorted(set(wanted)):  # in one order everywhere, so that nobody waits in a circle
            if id not in self._held:
                await self._store.locks.acquire(id)
                self._held.append(id)
        return [found and found.own_copy() for found in await self.find_all(kind, wanted)]

    async def unseal(self, aggregate: A) -> A:
        """See application.event_log.Log."""
        return await self._store.keyring.opened(aggregate)

    async def record(self, answer: Aggregate, *others: Aggregate, forgets: Sequence[UUID] = ()) -> None:
        """See application.event_log.Log."""
        changed = [a for a in (answer, *others) if a.pending_events]
        if not changed and not forgets:
            return
        events = [event for a in changed for event in a.pending_events]
        subjects = {said.subject for said in personal_of(events)}
        keys = await self._store.keyring.for_writing(subjects) if subjects else {}
        rows = [encode(event, self._metadata, keys) for event in events]
        reads = dict(self._reads)
        for aggregate in changed:
            reads.setdefault(aggregate.id, aggregate.version - len(aggregate.pending_events))
        result = await self._append(answer, reads, rows, forgets)
        if isinstance(result, Appended):
            for aggregate in changed:
                aggregate.pending_events.clear()
                if subjects:
                    seal_again(aggregate)
                self._store.cache.put(aggregate.id, aggregate)
        self._result = result

    async def settle(self, answer: A) -> CommandResult[A]:
        """See application.event_log.Attempt."""
        if self._result is None and self._command.key is not None:
            self._result = await self._append(answer, self._reads, ())
        if isinstance(self._result, Appended):
            return CommandResult(await self.unseal(answer), self._result.position)
        if isinstance(self._result, DuplicateCommand):
            return await self._replay(self._result)
        looked = await self._peek()
        if isinstance(looked, int):
            return CommandResult(await self.unseal(answer), looked)
        return await self._replay(looked)

    async def confirm(self) -> CommandResult[Any] | None:
        """See application.event_log.Attempt."""
        self._release()
        if not self._cached and self._command.key is None:
            return None
        looked = await self._peek()
        return await self._replay(looked) if isinstance(looked, DuplicateCommand) else None

    def _see(self, kind: type[A], id: UUID, aggregate: Aggregate | None) -> A | None:
        version = aggregate.version if aggregate else 0
        if self._reads.setdefault(id, version) != version:
            raise ConcurrencyConflict  # it changed while this attempt was looking
        return aggregate if isinstance(aggregate, kind) else None

    async def _append(
        self,
        answer: Aggregate,
        reads: Mapping[UUID, int],
        rows: Sequence[EventRow],
        forgets: Sequence[UUID] = (),
    ) -> Appended | DuplicateCommand:
        kept = answer.id, answer.version
        entry = LogEntry(self._key, self._fingerprint, kept, reads, rows, self._epoch, forgets)
        result = await self._store.journal.append(entry)
        if isinstance(result, StaleReads):
            self._store.learn(result)
            raise ConcurrencyConflict
        return result

    async def _peek(self) -> DuplicateCommand | int:
        key = self._key if self._command.key else None
        looked = await self._store.journal.peek(key, self._reads)
        if self._epoch != self._store.journal.epoch:
            raise ConcurrencyConflict
        if isinstance(looked, StaleReads):
            self._store.learn(looked)
            raise ConcurrencyConflict
        return looked

    async def _replay(self, kept: DuplicateCommand) -> CommandResult[Any]:
        if kept.fingerprint != self._fingerprint:
            raise KeyReused("This Idempotency-Key was used for another request.")
        events = await self._store.journal.read_until(kept.stream, kept.version)
        aggregate = evolve(None, [decode(e.topic, e.state, e.stream, e.version) for e in events])
        assert aggregate is not None
        return CommandResult(await self.unseal(aggregate), kept.position, replayed=True)

    @property
    def _fingerprint(self) -> bytes:
        return self._command.key.fingerprint if self._command.key else b""

    def _release(self) -> None:
        held, self._held = self._held, []
        self._store.locks.release(held)


def _there(kind: type[A], id: UUID, aggregate: A | None) -> A:
    if aggregate is None:
        raise NotFound(kind.__name__.lower(), id)
    return aggregate


def _metadata(command: Command) -> str:
    by = command.by
    said = f'{{"actor":"{by.id}","role":"{by.role.value}"'
    if command.correlation:
        said += f',"correlation":{json.dumps(command.correlation)}'
    if command.key:
        said += f',"key":"{command.key.value.hex()}"'
    return f"{said}}}"
