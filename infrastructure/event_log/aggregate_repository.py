"""The repository of aggregates: each from this process's cache, or else from the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from application.event_log import ConcurrencyConflict
from domain.kernel import Aggregate
from infrastructure.event_log.aggregate_cache import UNKNOWN, AggregateCache
from infrastructure.event_log.journal import Journal, StaleReads
from infrastructure.event_log.stream_locks import StreamLocks
from infrastructure.privacy.keyring import Keyring


class AggregateRepository:
    """The aggregates of a journal, with what reading and writing them takes: keys and locks."""

    def __init__(self, journal: Journal, keyring: Keyring, cache: AggregateCache, locks: StreamLocks) -> None:
        self.journal = journal
        self.keyring = keyring
        self.cache = cache
        self.locks = locks
        self.on_enqueued: Callable[[], None] = lambda: None
        """Called after a command that has enqueued jobs is recorded."""

    async def fetch(self, streams: Sequence[UUID]) -> tuple[dict[UUID, Aggregate | None], bool]:
        """The streams' aggregates, and whether any came from the cache."""
        known = {stream: self.cache.get(stream) for stream in streams}
        unknown = [stream for stream, aggregate in known.items() if aggregate is UNKNOWN]
        if unknown:
            epoch, events = self.journal.epoch, await self.journal.read(unknown)
            if epoch != self.journal.epoch:
                raise ConcurrencyConflict  # the database may have lost the events just read
            return known | self.cache.load(unknown, events), len(unknown) < len(known)
        return known, True

    def learn(self, stale: StaleReads, epoch: int) -> None:
        """Bring the cache up to date with the events that a decision of this epoch missed."""
        if epoch != self.journal.epoch:
            return  # they are events of another log
        if stale.missed:
            self.cache.advance(stale.missed)
        else:  # a stream is shorter than in the cache (after a failover or restore), or no stream changed at all
            self.cache.drop(stale.reads)
