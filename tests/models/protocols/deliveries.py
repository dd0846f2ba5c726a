"""Webhooks: the checkpoint of one subscription, its wake-ups, deliveries, failures, and redelivery.

`application/webhooks/delivery.py`: `run`; `infrastructure/webhooks/delivery_progress.py`: `_WAKE`, `_TAKEN`,
`_PASS_OVER`, `_BACK`; `JobQueue.idle`. Each event concerns the webhook or not ('x' or '.'). The receiver takes what
is sent, refuses, or takes it and the answer is lost. Workers die at each step, and sleep past their lease while
another works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

DELIVERED = "every event is delivered, and again if it is asked for"
IN_ORDER = "an event is taken only after all before it"


class Delivering(NamedTuple):
    """A worker.

    `at`: the checkpoint that it has read, and `asked`, how often events were asked for again by then; `to`: the event
    that it sends, or the position to pass over to.
    """

    phase: str = "idle"
    lease: bool = False
    at: int = 0
    asked: int = 0
    to: int = 0


class DeliveryState(NamedTuple):
    log: int
    seen: int
    position: int
    wanted: int
    due: bool
    held: bool
    taken: frozenset[int]
    again: frozenset[int]
    """Positions that were asked for again, and not taken since."""
    asked: int
    workers: tuple[Delivering, ...]
    faults: int
    wrong: frozenset[str]


class DeliveryModel(Model[DeliveryState]):
    """`asks`: for the first event again, once its delivery is recorded, or `early`: once it is taken.

    `mutant`: the checkpoint is moved without comparing (`compare`), or when its position is the same (`position`), or a
    wake-up looks at new events alone (`wake`).
    """

    possible = DELIVERED

    def __init__(self, *, events: str = "x.x", faults: int = 2, asks: str = "", mutant: str = "") -> None:
        self._events, self._faults, self._asks, self._mutant = events, faults, asks, mutant

    def initial(self) -> DeliveryState:
        nobody = (Delivering(), Delivering())
        return DeliveryState(0, 0, 0, 0, False, False, frozenset(), frozenset(), 0, nobody, 0, frozenset())

    def canonical(self, state: DeliveryState) -> DeliveryState:
        return state._replace(workers=tuple(sorted(state.workers)))

    def _concerning(self, after: int, upto: int) -> list[int]:
        return [n for n in range(after + 1, upto + 1) if self._events[n - 1] == "x"]

    def is_goal(self, state: DeliveryState) -> bool:
        every = self._concerning(0, len(self._events))
        return state.log == len(self._events) and state.taken.issuperset(every) and not state.again

    def is_fault(self, before: DeliveryState, after: DeliveryState) -> bool:
        return after.faults > before.faults

    def broken(self, state: DeliveryState) -> Iterator[str]:
        yield from state.wrong

    def steps(self, state: DeliveryState) -> Iterator[tuple[str, DeliveryState]]:
        if state.log < len(self._events):
            yield "an event is recorded", state._replace(log=state.log + 1)
        yield "the sweep wakes", self._wake(state)
        if self._asks and not state.asked and 1 in state.taken and (self._asks == "early" or state.position):
            after = state._replace(position=min(state.position, 0), wanted=max(state.wanted, state.seen))
            yield "the first event is asked for again", after._replace(asked=1, again=frozenset({1}))
        if state.due and not state.held:
            for number, worker in enumerate(state.workers):
                if worker.phase == "idle":
                    claimed = self._put(state._replace(held=True), number, Delivering("begun", lease=True))
                    yield "a worker claims the job", claimed
        for number, worker in enumerate(state.workers):
            if worker.phase != "idle":
                yield from self._fails(state, number, worker)
                yield from self._works(state, number, worker)

    def _wake(self, state: DeliveryState) -> DeliveryState:
        """`_WAKE`: `wanted` is raised, and a job that waits for it becomes due."""
        news = self._concerning(state.seen, state.log)
        wanted = max(state.wanted, *news, 0)
        position = state.position
        if news and state.wanted <= position:
            position = max(position, news[0] - 1)
        pending = bool(news) if self._mutant == "wake" else wanted > position
        idle = not state.due and not state.held
        return state._replace(seen=state.log, wanted=wanted, position=position, due=state.due or (idle and pending))

    def _fails(self, state: DeliveryState, number: int, worker: Delivering) -> Iterator[tuple[str, DeliveryState]]:
        if state.faults < self._faults:
            gone = state._replace(faults=state.faults + 1, held=state.held and not worker.lease)
            yield "a worker dies, its lease runs out", self._put(gone, number, Delivering())
            if worker.lease:
                yield "a worker sleeps past its lease", self._put(gone, number, worker._replace(lease=False))

    def _works(self, state: DeliveryState, number: int, worker: Delivering) -> Iterator[tuple[str, DeliveryState]]:
        if worker.phase == "begun":
            yield self._reads(state, number, worker)
        elif worker.phase == "sending":
            yield from self._sends(state, number, worker)
        elif worker.phase in {"taken", "passing"}:
            moved = state
            asked = state.asked == worker.asked or self._mutant == "position"
            if (state.position == worker.at and asked) or self._mutant == "compare":
                moved = state._replace(position=worker.to)
            yield f"the checkpoint moves to {worker.to}", self._put(moved, number, worker._replace(phase="begun"))
        elif worker.phase == "done":
            ended = state._replace(due=False, held=False) if worker.lease else state
            yield "the job is idle", self._put(ended, number, Delivering())

    def _reads(self, state: DeliveryState, number: int, worker: Delivering) -> tuple[str, DeliveryState]:
        """`_MARK` and `_AHEAD`."""
        if state.position >= state.wanted:
            return "nothing is left", self._put(state, number, worker._replace(phase="done"))
        ahead = self._concerning(state.position, state.wanted)
        phase, to = ("sending", ahead[0]) if ahead else ("passing", state.wanted)
        return f"next is {to}", self._put(
            state, number, worker._replace(phase=phase, at=state.position, asked=state.asked, to=to)
        )

    def _sends(self, state: DeliveryState, number: int, worker: Delivering) -> Iterator[tuple[str, DeliveryState]]:
        """It renews its lease; then the receiver takes the event, or its answer is lost, or it refuses."""
        if not worker.lease:
            yield "the lease is lost", self._put(state, number, Delivering())
            return
        missing = set(self._concerning(0, worker.to - 1)) - state.taken
        wrong = state.wrong | ({IN_ORDER} if missing else set())
        taken = state._replace(taken=state.taken | {worker.to}, again=state.again - {worker.to}, wrong=wrong)
        yield f"{worker.to} is taken", self._put(taken, number, worker._replace(phase="taken"))
        if state.faults < self._faults:
            again = self._put(taken._replace(held=False, faults=state.faults + 1), number, Delivering())
            yield f"{worker.to} is taken, the answer is lost", again
            refused = self._put(state._replace(held=False, faults=state.faults + 1), number, Delivering())
            yield f"{worker.to} is refused", refused

    def _put(self, state: DeliveryState, number: int, worker: Delivering) -> DeliveryState:
        return state._replace(workers=replaced(state.workers, number, worker))
