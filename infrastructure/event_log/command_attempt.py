"""Attempts at a command or a query: a handler's view of the log, checked in the transaction that records."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

from application.access import Role
from application.event_log import (
    Command,
    CommandResult,
    ConcurrencyConflict,
    EventReader,
    IdempotencyKey,
    KeyReused,
    Request,
    Unavailable,
)
from application.jobs.job import JobRequest
from domain.catalog.organization import Organization, Rank, highest
from domain.kernel import Aggregate
from infrastructure.event_log.aggregate_repository import AggregateRepository
from infrastructure.event_log.event_codec import EventRow, decode, encode, evolve, metadata_of
from infrastructure.event_log.journal import Appended, DuplicateCommand, EnqueuedJob, LogEntry, StaleReads
from infrastructure.event_log.metrics import count_command, count_event
from infrastructure.event_log.read_set import ReadSet, existing
from infrastructure.jobs.payload import seal_payload
from infrastructure.privacy.field_encryption import personal_of
from infrastructure.privacy.keyring import NO_KEYS, drop_plain_text

A = TypeVar("A", bound=Aggregate)
R = TypeVar("R")


class CommandAttempts:
    """The attempts at one request: the first at once, later ones after a short random pause."""

    def __init__(self, repository: AggregateRepository, request: Request, deadline: float) -> None:
        self._repository = repository
        self._count = 0
        self._idempotency = request.key if isinstance(request, Command) else None
        self._key = self._idempotency.value if self._idempotency else secrets.token_bytes(32)
        self._metadata = metadata_of(request, self._idempotency)
        self._request = request
        self._until = asyncio.get_running_loop().time() + deadline

    def __aiter__(self) -> CommandAttempts:
        return self

    async def __anext__(self) -> CommandAttempt:
        if self._count:
            if asyncio.get_running_loop().time() > self._until:
                raise Unavailable("Others keep writing first.")
            await asyncio.sleep(random.uniform(0, 0.001 * min(self._count, 20)))  # noqa: S311  jitter
        self._count += 1
        return CommandAttempt(self._repository, self._idempotency, self._key, self._metadata, self._request)


class CommandAttempt:
    """One attempt: remembers the version of every stream it handed out."""

    def __init__(
        self,
        repository: AggregateRepository,
        idempotency: IdempotencyKey | None,
        key: bytes,
        metadata: str,
        request: Request,
    ) -> None:
        self._repository = repository
        self._idempotency = idempotency
        self._key = key
        self._metadata = metadata
        self._correlation = request.correlation
        self._actor = request.by.id if request.by.role is Role.PROVIDER else None  # ranks count for no other role
        self._ranks = set[Rank | None]()
        self._epoch = repository.journal.epoch
        self._reads = ReadSet(repository)
        self._consulted = ReadSet(repository)
        self._held: list[UUID] = []
        self._person_keys: Mapping[UUID, bytes] = NO_KEYS
        self._result: Appended | DuplicateCommand | None = None
        self._command = type(request).__name__ if isinstance(request, Command) else None
        self._outcome = "unchanged"

    async def __aenter__(self) -> CommandAttempt:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()
        if self._command is not None:
            count_command(self._command, self._outcome, error)

    async def find(self, kind: type[A], id: UUID) -> A | None:
        return self._note_rank(await self._reads.find(kind, id))

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        return [self._note_rank(found) for found in await self._reads.find_all(kind, ids)]

    async def load(self, kind: type[A], id: UUID) -> A:
        return existing(kind, id, await self.find(kind, id))

    def consult(self) -> EventReader:
        return self._consulted

    async def edit(self, kind: type[A], id: UUID) -> A:
        return existing(kind, id, (await self.edit_all(kind, [id]))[0])

    async def edit_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        wanted = list(ids)
        for id in sorted(set(wanted)):  # in one order everywhere: no deadlock
            if id not in self._held:
                await self._repository.locks.acquire(id)
                self._held.append(id)
        return [found and found.own_copy() for found in await self.find_all(kind, wanted)]

    async def unseal(self, aggregate: A) -> A:
        return await self._repository.keyring.decrypted(aggregate)

    async def record(
        self,
        answer: Aggregate,
        *others: Aggregate,
        forgets: Sequence[UUID] = (),
        enqueues: Sequence[JobRequest] = (),
    ) -> None:
        changed = [a for a in (answer, *others) if a.pending_events]
        if not changed and not forgets and not enqueues:
            return
        events = [event for a in changed for event in a.pending_events]
        subjects = {personal.subject for personal in personal_of(events)}
        if subjects:
            self._person_keys = await self._repository.keyring.for_writing(subjects)
        rows = self._encoded(events)
        reads = dict(self._reads.versions)
        for aggregate in changed:
            reads.setdefault(aggregate.id, aggregate.version - len(aggregate.pending_events))
        jobs = [await self._enqueued(request) for request in enqueues]
        self._result = await self._append(answer, reads, rows, forgets, jobs)
        if isinstance(self._result, Appended):
            self._recorded(changed, rows, personal=bool(subjects))
            if jobs:
                self._repository.on_enqueued()

    def _encoded(self, events: Sequence[object]) -> Sequence[EventRow]:
        rank = highest(self._ranks)
        metadata = f'{self._metadata[:-1]},"rank":"{rank}"}}' if rank else self._metadata
        return [encode(event, metadata, self._person_keys) for event in events]

    def _recorded(self, changed: Sequence[Aggregate], rows: Sequence[EventRow], *, personal: bool) -> None:
        """The events are counted, and the aggregates as they are now are in the cache, without plain text."""
        self._outcome = "recorded"
        for row in rows:
            count_event(row.topic).inc()
        for aggregate in changed:
            aggregate.pending_events.clear()
            if personal:
                drop_plain_text(aggregate)
            if self._epoch == self._repository.journal.epoch:
                self._repository.cache.put(aggregate.id, aggregate)

    async def _enqueued(self, request: JobRequest) -> EnqueuedJob:
        sealed = await seal_payload(self._repository.keyring, request)
        subject = request.subject or request.key
        return EnqueuedJob(request.key, request.kind, subject, request.slot, sealed, self._correlation)

    async def settle(self, answer: A) -> CommandResult[A]:
        if self._result is None and self._idempotency is not None:
            self._result = await self._append(answer, self._reads.versions, ())
        if isinstance(self._result, Appended):
            # The keys that encrypted it decrypt it: nobody can have been erased before the append and be read after it.
            readable = await self._repository.keyring.decrypted(answer, self._person_keys)
            return CommandResult(readable, self._result.position)
        if isinstance(self._result, DuplicateCommand):
            return await self._replay(self._result)
        peeked = await self._peek(self._reads)
        if isinstance(peeked, int):
            return CommandResult(await self.unseal(answer), peeked)
        return await self._replay(peeked)

    async def observe(self, answer: R) -> tuple[R, int]:
        position = await self._peek(self._reads)
        assert isinstance(position, int)  # a query has no idempotency key, so no reply is replayed
        if isinstance(answer, Aggregate):
            answer = await self.unseal(answer)
        return answer, position

    async def confirm(self) -> CommandResult[Any] | None:
        self._release()
        reads = self._reads.together(self._consulted)
        if reads.of_one_moment and self._idempotency is None:
            return None
        peeked = await self._peek(reads)
        return await self._replay(peeked) if isinstance(peeked, DuplicateCommand) else None

    def _note_rank(self, aggregate: A | None) -> A | None:
        """The aggregate; of an organization, the caller's rank in it is noted for the metadata."""
        if self._actor is not None and isinstance(aggregate, Organization):
            self._ranks.add(aggregate.members.get(self._actor))
        return aggregate

    async def _append(
        self,
        answer: Aggregate,
        reads: Mapping[UUID, int],
        rows: Sequence[EventRow],
        forgets: Sequence[UUID] = (),
        jobs: Sequence[EnqueuedJob] = (),
    ) -> Appended | DuplicateCommand:
        replied = answer.id, answer.version
        entry = LogEntry(self._key, self._fingerprint, replied, reads, rows, self._epoch, forgets, jobs)
        result = await self._repository.journal.append(entry)
        if isinstance(result, StaleReads):
            self._repository.learn(result, self._epoch)
            raise ConcurrencyConflict
        return result

    async def _peek(self, reads: ReadSet) -> DuplicateCommand | int:
        key = self._key if self._idempotency else None
        peeked = await self._repository.journal.peek(key, reads.versions)
        if self._epoch != self._repository.journal.epoch:
            raise ConcurrencyConflict
        if isinstance(peeked, StaleReads):
            self._repository.learn(peeked, self._epoch)
            raise ConcurrencyConflict
        return peeked

    async def _replay(self, duplicate: DuplicateCommand) -> CommandResult[Any]:
        self._outcome = "replayed"
        if duplicate.fingerprint != self._fingerprint:
            raise KeyReused("This Idempotency-Key was used for another request.")
        events = await self._repository.journal.read_until(duplicate.stream, duplicate.version)
        aggregate = evolve(None, [decode(e.topic, e.state, e.stream, e.version) for e in events])
        assert aggregate is not None
        return CommandResult(await self.unseal(aggregate), duplicate.position, replayed=True)

    @property
    def _fingerprint(self) -> bytes:
        return self._idempotency.fingerprint if self._idempotency else b""

    def _release(self) -> None:
        held, self._held = self._held, []
        self._repository.locks.release(held)
