"""A checker of models: tries all interleavings, breadth first, and shows the shortest way to each broken promise.

A model is a protocol with its faults, written as states and atomic steps. What no step can lead to is not shown, only
what the model says: each step names the code that it stands for.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)


class Model(ABC, Generic[S]):
    """States are hashable. A promise about a step is broken in a field of the state that the step leads to."""

    possible: str | None = None
    """A promise: whatever happened, the goal can still be reached without another fault."""
    inevitable: str | None = None
    """A promise: every way that goes on for ever, and every way that ends, passes the goal."""

    @abstractmethod
    def initial(self) -> S: ...

    @abstractmethod
    def steps(self, state: S) -> Iterable[tuple[str, S]]: ...

    @abstractmethod
    def broken(self, state: S) -> Iterable[str]:
        """The promises that do not hold in a state."""

    def canonical(self, state: S) -> S:
        """One for all states that differ in names only."""
        return state

    def is_goal(self, state: S) -> bool:
        return True

    def is_fault(self, before: S, after: S) -> bool:
        return False


@dataclass
class Checked(Generic[S]):
    """What was found. `traces`: for each broken promise the steps of a shortest way to it."""

    states: int = 0
    depth: int = 0
    complete: bool = True
    traces: dict[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        ways = [f"{promise}:\n  " + "\n  ".join(trace) for promise, trace in self.traces.items()]
        return "\n".join([f"{self.states} states, depth {self.depth}, complete: {self.complete}", *ways])


def check(model: Model[S], most: int = 1_000_000) -> Checked[S]:
    """Try everything, or `most` states."""
    explored: _Explored[S] = _Explored(model)
    gc.disable()  # states hold no circles, and looking for some takes a third of the time
    try:
        result = explored.run(most)
        if model.possible:
            explored.note(model.possible, explored.never())
        if model.inevitable:
            explored.note(model.inevitable, explored.endless())
    finally:
        gc.enable()
    return result


class _Explored(Generic[S]):
    def __init__(self, model: Model[S]) -> None:
        self._model = model
        self._parents: dict[S, tuple[S, str] | None] = {}
        self._edges: dict[S, list[S]] = {}
        self._result: Checked[S] = Checked()

    def run(self, most: int) -> Checked[S]:
        result, first = self._result, self._model.canonical(self._model.initial())
        self._parents[first] = None
        queue = deque([(first, 0)])
        while queue:
            state, depth = queue.popleft()
            result.states, result.depth = result.states + 1, depth
            for promise in self._model.broken(state):
                self.note(promise, [state])
            if result.states >= most:
                result.complete = False
                break
            queue.extend((after, depth + 1) for after in self._follow(state))
        return result

    def _follow(self, state: S) -> Iterator[S]:
        """The new states after this one."""
        edges = self._edges[state] = []
        for label, then in self._model.steps(state):
            after = self._model.canonical(then)
            edges.append(after)
            if after not in self._parents:
                self._parents[after] = (state, label)
                yield after

    def note(self, promise: str, states: Sequence[S]) -> None:
        if states and promise not in self._result.traces:
            self._result.traces[promise] = self._trace(states[0])

    def _trace(self, state: S) -> Sequence[str]:
        labels: list[str] = []
        while (step := self._parents[state]) is not None:
            state, label = step
            labels.append(label)
        return labels[::-1]

    def never(self) -> Sequence[S]:
        """States from which no way without a fault leads to the goal, in the order in which they were found."""
        back = self._backwards(self._edges)
        reached = {state for state in self._edges if self._model.is_goal(state)}
        queue = deque(reached)
        while queue:
            state = queue.popleft()
            for before in back[state]:
                if before not in reached and not self._model.is_fault(before, state):
                    reached.add(before)
                    queue.append(before)
        return [state for state in self._edges if state not in reached]

    def endless(self) -> Sequence[S]:
        """States short of the goal from which a way goes on for ever, or ends, without it."""
        short = {state for state in self._edges if not self._model.is_goal(state)}
        ends = [state for state in self._edges if state in short and not self._edges[state]]
        inner = {state: [after for after in self._edges[state] if after in short] for state in short}
        endless = _peeled(inner, self._backwards(inner))
        within = {state: [after for after in inner[state] if after in endless] for state in endless}
        circles = _peeled(self._backwards(within), within)
        return ends or [state for state in self._edges if state in circles]

    @staticmethod
    def _backwards(edges: Mapping[S, Collection[S]]) -> Mapping[S, list[S]]:
        back: dict[S, list[S]] = {state: [] for state in edges}
        for state, following in edges.items():
            for after in following:
                if after in back:  # else it was found, and is not explored
                    back[after].append(state)
        return back


def _peeled(following: Mapping[S, Collection[S]], back: Mapping[S, Collection[S]]) -> Collection[S]:
    """The states from which a way goes on for ever: without those that lead nowhere, then those that led to them
    alone.
    """
    left = {state: len(after) for state, after in following.items()}
    queue = deque(state for state, count in left.items() if count == 0)
    while queue:
        for before in back.get(queue.popleft(), ()):
            left[before] -= 1
            if left[before] == 0:
                queue.append(before)
    return {state for state, count in left.items() if count}


T = TypeVar("T")


def replaced(items: tuple[T, ...], at: int, item: T) -> tuple[T, ...]:
    """The items with another one at a place."""
    return (*items[:at], item, *items[at + 1 :])
