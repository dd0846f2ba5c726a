"""The read set of an attempt: which version of each stream it was given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from application.event_log import ConcurrencyConflict
from domain.errors import NotFound
from domain.kernel import Aggregate
from infrastructure.event_log.aggregate_cache import UNKNOWN
from infrastructure.event_log.aggregate_repository import AggregateRepository

A = TypeVar("A", bound=Aggregate)


class ReadSet:
    """Reads aggregates, and remembers their versions (0: no stream). `of_one_moment`: one read gave them all."""

    def __init__(self, repository: AggregateRepository) -> None:
        self._repository = repository
        self.versions: dict[UUID, int] = {}
        self.of_one_moment = True

    async def find(self, kind: type[A], id: UUID) -> A | None:
        aggregate = self._repository.cache.get(id)
        if aggregate is UNKNOWN:
            return (await self.find_all(kind, [id]))[0]
        self.of_one_moment = False
        return self._see(kind, id, aggregate)

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        wanted = list(ids)
        found, cached = await self._repository.fetch(wanted)
        self.of_one_moment &= not cached and not self.versions
        return [self._see(kind, id, found[id]) for id in wanted]

    async def load(self, kind: type[A], id: UUID) -> A:
        return existing(kind, id, await self.find(kind, id))

    def together(self, other: ReadSet) -> ReadSet:
        """What both have read. Raises ConcurrencyConflict where they saw different versions of a stream."""
        if not other.versions:
            return self
        both = ReadSet(self._repository)
        both.versions, both.of_one_moment = {**self.versions, **other.versions}, False
        if any(both.versions[id] != version for id, version in self.versions.items()):
            raise ConcurrencyConflict
        return both

    def _see(self, kind: type[A], id: UUID, aggregate: Aggregate | None) -> A | None:
        version = aggregate.version if aggregate else 0
        if self.versions.setdefault(id, version) != version:
            raise ConcurrencyConflict  # it changed between two reads of this attempt
        return aggregate if isinstance(aggregate, kind) else None


def existing(kind: type[A], id: UUID, aggregate: A | None) -> A:
    """The aggregate; raises NotFound where there is none."""
    if aggregate is None:
        raise NotFound(kind.__name__.lower(), id)
    return aggregate
