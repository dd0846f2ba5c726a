"""The availability cache of a process: trusted only while invalidations arrive. The cache is the real `ProcessCache`.

One calendar, which each event touches. The projector publishes a change, then commits it; each second a heartbeat.
Messages arrive late, but in order. Faults: the subscription breaks, and what is under way is lost; Redis begins
another epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis

from projections.availability.invalidation import Invalidation
from projections.availability.process_cache import ProcessCache
from tests.models.checker import Model

FRESH = "no old answer is given once all messages have arrived"
ID = b"i" * 16


class Prepared(NamedTuple):
    """As much of a prepared answer as the cache asks for."""

    position: int
    ids: tuple[bytes, ...] = (ID,)
    size: int = 1

    def holds(self, now: float, at_least: int | None) -> bool:
        return at_least is None or self.position >= at_least


class Kept(NamedTuple):
    """What the cache of the process knows. `answer`: the position of its answer; -1 for none."""

    epoch: bytes | None = None
    floor: int = 0
    change: int = 0
    answer: int = -1
    trusted: bool = False


class ProcessState(NamedTuple):
    published: int
    mark: int
    epoch: bytes
    inbox: tuple[Invalidation | None, ...]
    """None: the process notices that its subscription was broken."""
    kept: Kept
    query: tuple[bytes | None, int] | None
    """Under way: the epoch in which it began, and the position of its snapshot; -1 before."""
    faults: int


def cache_of(kept: Kept) -> ProcessCache:
    cache: Any = ProcessCache(cast("Redis", None), "", size=9)
    cache.epoch, cache._floor, cache._trusted_until = kept.epoch, kept.floor, inf if kept.trusted else 0.0
    cache._changes = {ID: kept.change} if kept.change else {}
    if kept.answer >= 0:
        cache._answers["question"], cache._size = Prepared(kept.answer), 1
    filled: ProcessCache = cache
    return filled


def kept_by(cache: ProcessCache) -> Kept:
    answer = cache._answers.get("question")
    change = cache._changes.get(ID, 0)
    return Kept(cache.epoch, cache._floor, change, answer.position if answer else -1, cache._trusted_until > 0)


class ProcessCacheModel(Model[ProcessState]):
    """`floored`: what is published says how far; the mutant's messages do not."""

    def __init__(self, *, events: int = 2, faults: int = 2, floored: bool = True) -> None:
        self._events, self._faults, self._floored = events, faults, floored

    def initial(self) -> ProcessState:
        return ProcessState(0, 0, b"1", (), Kept(), None, 0)

    def broken(self, state: ProcessState) -> Iterator[str]:
        given = cache_of(state.kept).get("question", 0.0, None)
        if given is not None and not state.inbox and given.position < state.mark:
            yield FRESH

    def steps(self, state: ProcessState) -> Iterator[tuple[str, ProcessState]]:
        if state.published == state.mark < self._events:
            at = state.mark + 1
            yield f"{at} is published", self._sent(state, {ID: at})._replace(published=at)
        if state.mark < state.published:
            yield f"{state.published} is committed", state._replace(mark=state.published)
        if not state.inbox:
            yield "a heartbeat", self._sent(state, {})
        elif state.inbox[0] is None:
            yield "the process notices the break", self._arrived(state, None)
        else:
            yield "a message arrives", self._arrived(state, state.inbox[0])
        yield self._query(state)
        if state.kept.trusted:
            yield "nothing came for a lease", state._replace(kept=state.kept._replace(trusted=False))
        if state.faults < self._faults:
            after = state._replace(faults=state.faults + 1)
            yield "the subscription breaks", after._replace(inbox=(None,))
            begun = after._replace(epoch=bytes([state.epoch[0] + 1]))
            yield "Redis was flushed, another epoch begins", self._sent(begun, {})

    def _sent(self, state: ProcessState, changes: dict[bytes, int]) -> ProcessState:
        if None in state.inbox:
            return state  # nobody listens
        upto = max(state.published, *changes.values(), 0) if self._floored else 0
        return state._replace(
            inbox=(*state.inbox, Invalidation(state.epoch, upto, cast("Any", _Changes(changes.items()))))
        )

    def _arrived(self, state: ProcessState, invalidation: Invalidation | None) -> ProcessState:
        cache = cache_of(state.kept)
        if invalidation is None:
            cache.forget()
        else:
            cache._learn(invalidation)
        return state._replace(inbox=state.inbox[1:], kept=kept_by(cache))

    def _query(self, state: ProcessState) -> tuple[str, ProcessState]:
        """`AvailabilityCache.from_redis`, a snapshot, `keep`."""
        if state.query is None:
            return "a query begins", state._replace(query=(state.kept.epoch, -1))
        epoch, position = state.query
        if position < 0:
            return f"its snapshot is of {state.mark}", state._replace(query=(epoch, state.mark))
        cache = cache_of(state.kept)
        cache.put("question", cast("Any", Prepared(position)), epoch)
        return f"its answer of {position} may be kept", state._replace(query=None, kept=kept_by(cache))


class _Changes(frozenset[tuple[bytes, int]]):
    """Changes that can be told apart and hashed, read as a mapping."""

    def items(self) -> _Changes:
        return self
