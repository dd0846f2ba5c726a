"""Erasure of a person: its steps, crashes between them, commands of other processes meanwhile, and a restore.

`application/people/erasure.py`: `ErasePerson`; `infrastructure/privacy`: `account_erasure`, `obligations`. A command
writes personal data: it reads the person's stream and key, and appends with that stream in its read set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model

AFTERWARDS = "nothing is recorded about a person after the erasure"
READABLE = "nobody reads the data of an erased person"
ENDS = "an erasure that has begun ends"
NEW = "an erasure leaves no booking behind"


class ErasureState(NamedTuple):
    """`step`: how far the erasure has come; `bookings`: upcoming ones; `version`: of the person's stream."""

    step: int = 0
    open: bool = True
    bookings: int = 1
    version: int = 1
    key: bool = True
    in_file: bool = False
    acknowledged: bool = False
    command: int = 0
    """The version that another process has read; 0: it has not begun, -1: it has ended."""
    booking: int = 0
    serving: bool = True
    restored: bool = False
    crashes: int = 0
    wrong: frozenset[str] = frozenset()


class ErasureModel(Model[ErasureState]):
    """`mutant`: the read set lacks the person, or the id goes to the file last."""

    possible = ENDS

    def __init__(self, *, crashes: int = 2, restore: bool = True, mutant: str = "") -> None:
        self._crashes, self._restore, self._mutant = crashes, restore, mutant

    def initial(self) -> ErasureState:
        return ErasureState()

    def is_goal(self, state: ErasureState) -> bool:
        return state.acknowledged and not state.key

    def is_fault(self, before: ErasureState, after: ErasureState) -> bool:
        return (after.crashes, after.restored) > (before.crashes, before.restored)

    def broken(self, state: ErasureState) -> Iterator[str]:
        yield from state.wrong
        if state.acknowledged and state.key and state.serving:
            yield READABLE
        if not state.key and state.bookings:
            yield NEW

    def steps(self, state: ErasureState) -> Iterator[tuple[str, ErasureState]]:
        if state.serving:
            yield from self._erases(state)
            yield from self._commands(state)
        else:
            yield from self._starts(state)
        if state.serving and state.crashes < self._crashes and not state.acknowledged:
            yield "the worker ends", state._replace(step=0, crashes=state.crashes + 1)
        if self._restore and state.acknowledged and not state.restored:
            back = ErasureState(
                in_file=state.in_file, acknowledged=True, serving=False, restored=True, command=-1, booking=-1
            )
            yield "the database of before is restored", back._replace(crashes=state.crashes, wrong=state.wrong)

    def _erases(self, state: ErasureState) -> Iterator[tuple[str, ErasureState]]:
        """The steps in their order; each may be repeated."""
        forgets = "the append records it and deletes the key"
        steps = [
            ("customer and providers end", state._replace(open=False)),
            ("upcoming appointments are cancelled", state._replace(bookings=0)),
            ("the id goes to the file", state._replace(in_file=True)),
            (forgets, state._replace(version=2, key=False, acknowledged=True)),
        ]
        if self._mutant == "file":
            steps[2], steps[3] = steps[3], steps[2]
        if state.step < len(steps):
            label, after = steps[state.step]
            yield label, after._replace(step=state.step + 1)

    def _commands(self, state: ErasureState) -> Iterator[tuple[str, ErasureState]]:
        if state.command == 0 and state.key:
            yield "another process reads person and key", state._replace(command=state.version)
        elif state.command > 0:
            stale = state.command != state.version and self._mutant != "reads"
            wrong = state.wrong | ({AFTERWARDS} if not state.key and not stale else set())
            yield f"it appends: stale is {stale}", state._replace(command=-1, wrong=wrong)
        if state.booking == 0 and state.open:
            yield "another process reads the customer", state._replace(booking=1)
        elif state.booking == 1:
            recorded = int(state.open)  # the customer's stream is in the read set
            yield f"it books: {recorded}", state._replace(booking=-1, bookings=state.bookings + recorded)

    def _starts(self, state: ErasureState) -> Iterator[tuple[str, ErasureState]]:
        """An API process erases those in the file before it serves."""
        if state.in_file and state.key:
            yield "it erases who is in the file", state._replace(open=False, bookings=0, version=2, key=False)
        else:
            yield "it serves", state._replace(serving=True, step=9)
