"""Projections: pages of two projectors, a rebuild beside them, the switch of generations, and queries meanwhile.

`projections/engine`: `apply` with `_MOVE`, `lead` with `_END_OLD_PAGES`; `projections/rebuild`: `Rebuild`;
`projections/query/snapshot.py`. The rows of a generation are the positions that were written to it, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

WHOLE = "rows and checkpoint say the same"
THERE = "the live generation is there"
FORWARD = "no query goes back"
GRACE = "a query within the grace period ends well"


class Generation(NamedTuple):
    mark: int = 0
    rows: tuple[int, ...] = ()
    there: bool = True


class Paging(NamedTuple):
    """A projector: its page is claimed (the checkpoints moved and locked), then committed or ended."""

    phase: str = "load"
    generation: int = 0
    mark: int = 0


class Rebuilding(NamedTuple):
    phase: str = "off"
    live: int = 0
    guard: bool = False
    left: tuple[int, ...] = ()
    old: int = 0


class Query(NamedTuple):
    generation: int = -1
    late: bool = False
    """The grace period of its generation has passed since it began."""


class ReadState(NamedTuple):
    log: int
    live: int
    generations: tuple[Generation | None, ...]
    projectors: tuple[Paging, ...]
    rebuilds: tuple[Rebuilding, ...]
    query: Query
    shown: int
    faults: int
    wrong: frozenset[str]


class ProjectionModel(Model[ReadState]):
    """`guard_lost`: the connection with the advisory lock breaks, and its rebuild goes on.

    `mutant`: `marks` are not compared, or `grace`: what a killed rebuild has left is dropped at once.
    """

    def __init__(
        self,
        *,
        projectors: int = 2,
        rebuilds: int = 0,
        events: int = 2,
        faults: int = 1,
        guard_lost: bool = False,
        queries: bool = True,
        mutant: str = "",
    ) -> None:
        self._projectors, self._rebuilds, self._events, self._faults = projectors, rebuilds, events, faults
        self._guard_lost, self._queries, self._mutant = guard_lost, queries, mutant

    def initial(self) -> ReadState:
        pages, rebuilds = (Paging(),) * self._projectors, (Rebuilding(),) * self._rebuilds
        return ReadState(0, 0, (Generation(), None, None, None), pages, rebuilds, Query(), 0, 0, frozenset())

    def canonical(self, state: ReadState) -> ReadState:
        return state._replace(projectors=tuple(sorted(state.projectors)))

    def broken(self, state: ReadState) -> Iterator[str]:
        yield from state.wrong
        for each in state.generations:
            if each and each.there and each.rows != tuple(range(1, each.mark + 1)):
                yield WHOLE
        live = state.generations[state.live]
        if live is None or not live.there:
            yield THERE

    def steps(self, state: ReadState) -> Iterator[tuple[str, ReadState]]:
        if state.log < self._events:
            yield "an event is appended", state._replace(log=state.log + 1)
        for number, each in enumerate(state.projectors):
            yield from self._page(state, number, each)
        for number, each in enumerate(state.rebuilds):
            yield from self._rebuild(state, number, each)
        if self._queries:
            yield from self._query(state)

    # A projector

    def _page(self, state: ReadState, number: int, page: Paging) -> Iterator[tuple[str, ReadState]]:
        if page.phase == "load":
            live = self._live(state)
            loaded = Paging("ready", state.live, live.mark)
            yield f"a projector loads {state.live} at {live.mark}", self._paging(state, number, loaded)
        elif page.phase == "ready":
            locked = any(each.phase == "claimed" and each.generation == page.generation for each in state.projectors)
            if page.mark < state.log and not locked and not self._is_held(state):
                yield self._claim(state, number, page)
        else:
            made = state.generations[page.generation]
            assert made
            at = page.mark + 1
            after = self._generation(state, page.generation, Generation(at, (*made.rows, at)))
            yield (
                f"it commits {at} to {page.generation}",
                self._paging(after, number, Paging("ready", page.generation, at)),
            )
            yield "its backend is ended", self._paging(state, number, Paging())

    def _claim(self, state: ReadState, number: int, page: Paging) -> tuple[str, ReadState]:
        """`_MOVE`."""
        made = state.generations[page.generation]
        compared = made is not None and (made.mark == page.mark or self._mutant == "marks")
        if page.generation == state.live and made and made.there and compared:
            return "it moves the checkpoints", self._paging(state, number, page._replace(phase="claimed"))
        return "it is fenced", self._paging(state, number, Paging())

    # A rebuild

    def _rebuild(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        if each.phase not in {"off", "end"} and state.faults < self._faults:
            killed = self._rebuilding(state, number, Rebuilding("end"))._replace(faults=state.faults + 1)
            yield f"rebuild {number} is killed", killed
            if self._guard_lost and each.guard:
                lost = self._rebuilding(state, number, each._replace(guard=False))
                yield f"rebuild {number} loses its lock and goes on", lost._replace(faults=state.faults + 1)
        steps = {
            "off": self._begin,
            "rest": self._rest,
            "clear": self._clear,
            "create": self._create,
            "fill": self._fill,
            "hold": self._switch,
            "grace": self._wait,
            "drop": self._drop_old,
        }
        if each.phase in steps:
            for label, after in steps[each.phase](state, number, each):
                yield f"rebuild {number} {label}", after

    def _begin(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        if not any(other.guard for other in state.rebuilds):
            others = (n for n, made in enumerate(state.generations) if made and made.there and n != state.live)
            phase = "clear" if self._mutant == "grace" else "rest"
            begun = Rebuilding(phase, state.live, guard=True, left=tuple(others))
            yield f"begins beside {state.live}", self._rebuilding(state, number, begun)

    def _rest(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        """`_GRACE_LEFT`: the grace period of the last switch has passed."""
        query = state.query
        late = query._replace(late=True) if query.generation in each.left and query.generation < each.live else query
        after = self._rebuilding(state, number, each._replace(phase="clear"))
        yield "has waited for the rest of a grace period", after._replace(query=late)

    def _clear(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        """`_clear`, after the rest of a grace period."""
        if not each.left:
            yield "has cleared", self._rebuilding(state, number, each._replace(phase="create"))
        elif not self._is_held(state):
            after = self._dropped(state, each.left[0])
            yield f"clears {each.left[0]}", self._rebuilding(after, number, each._replace(left=each.left[1:]))

    def _create(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        made = each.live + 1
        if made < len(state.generations):
            old = state.generations[made]
            after = state if old and old.there else self._generation(state, made, Generation())
            yield f"creates {made}", self._rebuilding(after, number, each._replace(phase="fill"))

    def _fill(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        made = state.generations[each.live + 1]
        if made is None or not made.there:
            yield "finds its generation gone", self._rebuilding(state, number, Rebuilding("end"))
            return
        claimed = {page.generation for page in state.projectors if page.phase == "claimed"}
        if made.mark < state.log and each.live + 1 not in claimed and not self._is_held(state):
            at = made.mark + 1
            yield f"fills {at}", self._generation(state, each.live + 1, Generation(at, (*made.rows, at)))
        if not claimed and not self._is_held(state):
            yield "locks the checkpoints", self._rebuilding(state, number, each._replace(phase="hold"))

    def _switch(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        """The rest of the log and the switch are one transaction."""
        made = state.generations[each.live + 1]
        if made is None or not made.there:
            yield "finds its generation gone", self._rebuilding(state, number, Rebuilding("end"))
            return
        whole = Generation(state.log, (*made.rows, *range(made.mark + 1, state.log + 1)))
        after = self._generation(state, each.live + 1, whole)._replace(live=each.live + 1)
        yield (
            f"switches to {each.live + 1}",
            self._rebuilding(after, number, each._replace(phase="grace", old=each.live)),
        )

    def _wait(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        late = state.query._replace(late=True) if state.query.generation == each.old else state.query
        after = self._rebuilding(state, number, each._replace(phase="drop"))
        yield "has waited for the grace period", after._replace(query=late)

    def _drop_old(self, state: ReadState, number: int, each: Rebuilding) -> Iterator[tuple[str, ReadState]]:
        if not self._is_held(state):
            yield f"drops {each.old}", self._rebuilding(self._dropped(state, each.old), number, Rebuilding("end"))

    # A query

    def _query(self, state: ReadState) -> Iterator[tuple[str, ReadState]]:
        query = state.query
        if query.generation < 0:
            live = self._live(state)
            wrong = state.wrong | ({FORWARD} if live.mark < state.shown else set())
            begun = state._replace(query=Query(state.live), shown=max(state.shown, live.mark), wrong=wrong)
            yield f"a query begins on {state.live} at {live.mark}", begun
            return
        made = state.generations[query.generation]
        if made is None or not made.there:
            wrong = state.wrong if query.late else state.wrong | {GRACE}
            yield "the query finds its generation gone", state._replace(query=Query(), wrong=wrong)
        else:
            yield "the query ends", state._replace(query=Query())

    # Parts

    def _live(self, state: ReadState) -> Generation:
        return state.generations[state.live] or Generation(there=False)

    def _is_held(self, state: ReadState) -> bool:
        """The switch has locked the checkpoints."""
        return any(each.phase == "hold" for each in state.rebuilds)

    def _dropped(self, state: ReadState, number: int) -> ReadState:
        """`_drop`: the database decides whether it is live."""
        if number == state.live or not state.generations[number]:
            return state
        return self._generation(state, number, Generation(there=False))

    def _generation(self, state: ReadState, number: int, made: Generation) -> ReadState:
        return state._replace(generations=replaced(state.generations, number, made))

    def _paging(self, state: ReadState, number: int, page: Paging) -> ReadState:
        return state._replace(projectors=replaced(state.projectors, number, page))

    def _rebuilding(self, state: ReadState, number: int, each: Rebuilding) -> ReadState:
        return state._replace(rebuilds=replaced(state.rebuilds, number, each))
