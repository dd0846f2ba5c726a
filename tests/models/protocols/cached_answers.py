"""The availability cache in Redis: epochs, floors, and changes that are published before the commit.

`projections/availability`: `InvalidationPublisher`, `RedisCache` with `_GET` and `_PUT`. One calendar, which each event
touches. A position is shown with its branch: `a`, or `b` where another log goes on after a failover with loss.
Each publisher begins an epoch in three steps: it tells Redis, reads the log's head, and tells Redis that floor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

NAMED = "who names a position is never answered with less"
IN_TIME = "an old answer goes as soon as the change is published"


BEYOND = 99
"""A floor that no answer reaches."""


class Publisher(NamedTuple):
    """`epoch`: 0 after a failure. `begins`: an epoch without its floor; `head`: read for it, -1 before that.

    `page`: the checkpoint before it and the log after it. `number`: of what it has told in its epoch.
    """

    epoch: int = 0
    number: int = 0
    floor: int = 0
    begins: int = 0
    head: int = -1
    failed: bool = False
    page: tuple[int, str] | None = None
    told: bool = False
    leads: bool = True


class CacheState(NamedTuple):
    log: str
    mark: str
    epoch: int
    number: int
    """The counter `n` of what was told in the epoch."""
    floor: int
    change: int
    kept: tuple[int, str] | None
    publishers: tuple[Publisher, ...]
    asked: tuple[int, str | None] | None
    """A query under way: the epoch in which it began, and its snapshot."""
    epochs: int
    faults: int
    failed_over: bool


class CacheModel(Model[CacheState]):
    """`kinds`: of faults.

    `mutant`: changes are not told (`silent`), what was told is not counted (`count`), the head is read before the epoch
    begins (`head`), a lead continues the epoch of the lead before (`lead`), who finds another's epoch waits as after a
    failure (`pause`).
    """

    def __init__(
        self,
        *,
        publishers: int = 1,
        events: int = 2,
        faults: int = 1,
        epochs: int = 3,
        kinds: tuple[str, ...] = ("flush", "away"),
        mutant: str = "",
    ) -> None:
        self._publishers, self._events, self._faults, self._epochs = publishers, events, faults, epochs
        self._kinds, self._mutant = kinds, mutant

    def initial(self) -> CacheState:
        every = (Publisher(),) * self._publishers
        return CacheState("a", "a", 0, 0, 0, 0, None, every, None, 0, 0, failed_over=False)

    def canonical(self, state: CacheState) -> CacheState:
        """Of the numbers, how far they differ."""
        every = tuple(
            each._replace(number=each.number - state.number if each.epoch == state.epoch else 0)
            for each in state.publishers
        )
        return state._replace(number=0, publishers=every)

    def broken(self, state: CacheState) -> Iterator[str]:
        answer = self._answer(state)
        if answer is None:
            return
        if len(answer) >= len(state.mark) and not answer.startswith(state.mark):
            yield NAMED
        leading = [each for each in state.publishers if each.leads]
        settled = state.mark == state.log and all(
            each.page is None and not each.begins and self._continues(state, each) for each in leading
        )
        if settled and leading and len(answer) < len(state.mark):
            yield IN_TIME

    def _answer(self, state: CacheState) -> str | None:
        """`_GET`."""
        if state.kept is None or state.kept[0] != state.epoch or not state.epoch:
            return None
        return None if state.change > len(state.kept[1]) else state.kept[1]

    def steps(self, state: CacheState) -> Iterator[tuple[str, CacheState]]:
        if len(state.log) <= self._events:
            yield "an event is appended", state._replace(log=state.log + ("b" if state.failed_over else "a"))
        for number, each in enumerate(state.publishers):
            if each.leads:
                for label, after in self._publish(state, number, each):
                    yield f"publisher {number} {label}", after
        yield self._query(state)
        if state.faults < self._faults:
            yield from self._fails(state)

    def _fails(self, state: CacheState) -> Iterator[tuple[str, CacheState]]:
        after = state._replace(faults=state.faults + 1)
        if "flush" in self._kinds and state.epoch:
            yield "Redis is flushed", after._replace(epoch=0, number=0, floor=0, change=0, kept=None)
        if "less" in self._kinds and state.change:
            yield "Redis comes back without the last change", after._replace(change=0, number=state.number - 1)
        if "failover" in self._kinds and not state.failed_over:
            for kept in range(1, len(state.log)):
                old = self._mutant == "lead"
                every = tuple(each._replace(page=None) if old else Publisher() for each in state.publishers)
                yield (
                    f"failover with {kept} positions, within the lease",
                    after._replace(log=state.log[:kept], mark=state.mark[:kept], publishers=every, failed_over=True),
                )

    def _continues(self, state: CacheState, each: Publisher) -> bool:
        """`_PUBLISH`: the epoch is the publisher's, and so is the number."""
        same = self._mutant == "count" or each.number == state.number
        return each.epoch != 0 and each.epoch == state.epoch and same

    def _publish(self, state: CacheState, number: int, each: Publisher) -> Iterator[tuple[str, CacheState]]:
        if self._publishers > 1 and all(other.leads for other in state.publishers) and each.page is None:
            yield "has lost the lead", self._put(state, number, each._replace(leads=False))
        if each.begins:
            yield from self._begun(state, number, each)
            return
        if not self._continues(state, each) and state.epochs < self._epochs:
            yield self._begin(state, number, each)
        yield from self._page(state, number, each)

    def _begin(self, state: CacheState, number: int, each: Publisher) -> tuple[str, CacheState]:
        """`_BEGIN`."""
        epoch, head = state.epochs + 1, -1
        begun = state._replace(epochs=epoch)
        if self._mutant == "head":
            head = len(state.log)
        else:
            begun = begun._replace(epoch=epoch, number=0, floor=BEYOND, change=0)
        return "begins an epoch", self._put(begun, number, each._replace(epoch=0, begins=epoch, head=head))

    def _begun(self, state: CacheState, number: int, each: Publisher) -> Iterator[tuple[str, CacheState]]:
        """The floor is set if no other epoch has begun. Else that one's is the head of later, with the page in it."""
        if each.head < 0:
            yield f"reads the head {len(state.log)}", self._put(state, number, each._replace(head=len(state.log)))
            return
        if self._mutant == "head":
            state = state._replace(epoch=each.begins, number=0, floor=each.head, change=0)
        elif state.epoch != each.begins:
            other = each._replace(begins=0, head=-1, failed=self._mutant == "pause")
            yield "finds another epoch", self._put(state, number, other)
            if each.page is not None:
                yield "finds another epoch with its page", self._put(state, number, other._replace(told=True))
            return
        begun = Publisher(each.begins, state.number, each.head, page=each.page, told=each.told, leads=each.leads)
        yield f"tells Redis the floor {each.head}", self._put(state._replace(floor=each.head), number, begun)

    def _page(self, state: CacheState, number: int, each: Publisher) -> Iterator[tuple[str, CacheState]]:
        if each.page is None:
            if len(state.mark) < len(state.log):
                page = each._replace(page=(len(state.mark), state.log), told=self._mutant == "silent")
                yield "has a page", self._put(state, number, page)
            return
        since, upto = each.page
        if not each.told:
            yield from self._tells(state, number, each, len(upto))
            return
        if len(state.mark) == since and state.log.startswith(upto):
            done = each._replace(page=None, told=False)
            yield f"commits {len(upto)}", self._put(state._replace(mark=upto), number, done)
        yield "its page is ended", self._put(state, number, each._replace(page=None, told=False))

    def _tells(self, state: CacheState, number: int, each: Publisher, upto: int) -> Iterator[tuple[str, CacheState]]:
        """`before_commit`."""
        told = each._replace(told=True)
        if each.epoch and upto <= each.floor:
            yield f"need not tell {upto}", self._put(state, number, told)
        elif self._continues(state, each):
            after = state._replace(change=max(state.change, upto), number=state.number + 1)
            yield f"tells Redis of {upto}", self._put(after, number, told._replace(number=each.number + 1))
        elif not each.epoch and each.failed:
            yield f"does not ask Redis yet, {upto} is not told", self._put(state, number, told)
        if "away" in self._kinds and state.faults < self._faults:
            lost = state._replace(faults=state.faults + 1)
            yield f"can't reach Redis, {upto} is not told", self._put(lost, number, told._replace(epoch=0, failed=True))

    def _query(self, state: CacheState) -> tuple[str, CacheState]:
        if state.asked is None:
            return f"a query begins in epoch {state.epoch}", state._replace(asked=(state.epoch, None))
        epoch, answer = state.asked
        if answer is None:
            return f"its snapshot is of {len(state.mark)}", state._replace(asked=(epoch, state.mark))
        return "its answer is cached, if it may be", self._kept(state._replace(asked=None), epoch, answer)

    def _kept(self, state: CacheState, epoch: int, answer: str) -> CacheState:
        """`_PUT`."""
        old = state.kept is not None and state.kept[0] == epoch and len(state.kept[1]) >= len(answer)
        outdated = len(answer) < state.floor or state.change > len(answer)
        return state if not epoch or epoch != state.epoch or old or outdated else state._replace(kept=(epoch, answer))

    def _put(self, state: CacheState, number: int, each: Publisher) -> CacheState:
        return state._replace(publishers=replaced(state.publishers, number, each))
