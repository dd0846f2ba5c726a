"""The earliest free starts: rows kept and dropped by a leading projector, while one that was paused wakes up.

`projections/availability`: `EarliestRefresher.run` and `round`, `StaleRows.take_lead`, `keep` and `reached`. One pair
of a provider and a service, which events make (+) and unmake (-). Each leader is paused at any step, and goes on: a
former one too, which takes the table again if it has not noticed yet that it leads no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

COMPUTED = "what is marked as fresh is fresh"


class Leader(NamedTuple):
    """`lead`: the number under which it took the table; 0 before, and once it was refused."""

    phase: str = "off"
    lead: int = 0
    since: int = -1
    state: int = 0
    look: int = 0


class EarliestState(NamedTuple):
    log: str
    row: int
    """The position of the kept row; -1 for none."""
    mark: int
    leaders: tuple[Leader, ...]
    lead: int


class EarliestModel(Model[EarliestState]):
    """`takes`: how often the table is taken. `mutant`: whether a leader still leads is not asked (`fence`)."""

    def __init__(self, *, leaders: int = 2, takes: int = 4, log: str = "+-+", mutant: str = "") -> None:
        self._leaders, self._takes, self._log, self._mutant = leaders, takes, log, mutant

    def initial(self) -> EarliestState:
        return EarliestState("+", -1, 0, (Leader(),) * self._leaders, 0)

    def canonical(self, state: EarliestState) -> EarliestState:
        return state._replace(leaders=tuple(sorted(state.leaders)))

    def broken(self, state: EarliestState) -> Iterator[str]:
        idle = all(each.phase == "off" for each in state.leaders)
        if idle and state.mark >= len(state.log) and (state.log[-1] == "+") != (state.row >= 0):
            yield COMPUTED

    def steps(self, state: EarliestState) -> Iterator[tuple[str, EarliestState]]:
        if state.log != self._log:
            yield "an event", state._replace(log=self._log[: len(state.log) + 1])
        for number, leader in enumerate(state.leaders):
            if not leader.lead:
                if state.lead < self._takes:
                    begun = self._put(state, number, Leader(lead=state.lead + 1))
                    yield f"leader {state.lead + 1} begins", begun._replace(lead=state.lead + 1)
            elif leader.phase in {"looked", "kept"} and leader.lead != state.lead and self._mutant != "fence":
                yield f"leader {leader.lead} is refused", self._put(state, number, Leader())
            else:
                yield from self._round(state, number, leader)

    def _round(self, state: EarliestState, number: int, leader: Leader) -> Iterator[tuple[str, EarliestState]]:
        now, who = len(state.log), f"leader {leader.lead}"
        if leader.phase == "off" and leader.since < now:
            yield f"{who} reads the state at {now}", self._put(state, number, leader._replace(phase="read", state=now))
        elif leader.phase == "read":
            yield f"{who} computes at {now}", self._put(state, number, leader._replace(phase="looked", look=now))
        elif leader.phase == "looked":
            row = self._kept(state, leader)
            yield (
                f"{who} keeps or drops: {row}",
                self._put(state._replace(row=row), number, leader._replace(phase="kept")),
            )
        elif leader.phase == "kept":
            marked = state._replace(mark=max(state.mark, leader.state))
            yield (
                f"{who} marks {leader.state}",
                self._put(marked, number, leader._replace(phase="off", since=leader.state)),
            )

    def _kept(self, state: EarliestState, leader: Leader) -> int:
        """`_KEEP` and `_DROP`, each guarded by the position of the row."""
        if state.log[leader.look - 1] == "+":
            return max(state.row, leader.look)
        return -1 if state.row <= leader.state else state.row

    def _put(self, state: EarliestState, number: int, leader: Leader) -> EarliestState:
        return state._replace(leaders=replaced(state.leaders, number, leader))
