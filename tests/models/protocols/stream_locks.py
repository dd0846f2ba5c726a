"""Locks on streams within a process: may commands wait for one another in a circle?

`CommandAttempt.edit_all` takes the locks of a call in the order of the streams' ids; a command calls several times.
Each order of ids is tried. D: days, H: a hold, A: an appointment, W: a waitlist entry, P: a provider, T: tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, permutations

from tests.models.checker import Model

CIRCLE = "no commands wait in a circle"
COMMANDS: Mapping[str, Sequence[set[str]]] = {
    "book": [{"D1", "D2"}],
    "book with a hold": [{"H"}, {"D1", "D2"}],
    "reschedule": [{"A"}, {"D1", "D2"}],
    "cancel": [{"A"}, {"D1"}],
    "offer": [{"W"}, {"D1", "D2"}],
    "accept an offer": [{"W"}, {"H"}, {"D1", "D2"}],
    "change a provider": [{"P"}, {"T1", "T2"}],
    "merge tags": [{"T1", "T2"}],
}


class LockModel(Model[tuple[int, ...]]):
    """`plans`: the streams of each command in the order in which it takes them. A state: how many each has taken."""

    inevitable = CIRCLE

    def __init__(self, plans: Sequence[Sequence[str]]) -> None:
        self._plans = plans

    def initial(self) -> tuple[int, ...]:
        return (0,) * len(self._plans)

    def broken(self, state: tuple[int, ...]) -> Iterator[str]:
        return iter(())

    def is_goal(self, state: tuple[int, ...]) -> bool:
        return all(taken > len(plan) for taken, plan in zip(state, self._plans, strict=True))

    def steps(self, state: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
        every = list(zip(state, self._plans, strict=True))
        held = {stream for taken, plan in every if taken <= len(plan) for stream in plan[:taken]}
        for number, (taken, plan) in enumerate(every):
            after = (*state[:number], taken + 1, *state[number + 1 :])
            if taken < len(plan) and plan[taken] not in held:
                yield f"{number} takes {plan[taken]}", after
            elif taken == len(plan):
                yield f"{number} ends", after


def plan(calls: Sequence[set[str]], order: Sequence[str]) -> list[str]:
    """As `edit_all` takes them: call after call, each in the order of the ids, none twice."""
    return list(dict.fromkeys(stream for call in calls for stream in sorted(call, key=order.index)))


def lock_models(size: int) -> Iterator[LockModel]:
    """Every choice of so many commands that share two streams or more, under every order of these streams' ids."""
    for chosen in combinations_with_replacement(COMMANDS.values(), size):
        each = [set().union(*calls) for calls in chosen]
        streams = sorted(set().union(*each))
        shared = [stream for stream in streams if sum(stream in of for of in each) > 1]
        if len(shared) > 1:
            rest = [stream for stream in streams if stream not in shared]
            for order in permutations(shared):
                yield LockModel([plan(calls, [*order, *rest]) for calls in chosen])
