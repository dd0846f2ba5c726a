"""One-time secrets: reset links bound to the state that they were issued under, and codes that outlive a crash.

`infrastructure/identity`: `OneTimeTokens` and `secret_binding`; `application/identity/password.py`;
`EmailVerifications`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

ONCE = "of the secrets of one state one is used"
VOID = "a change voids the secrets of before as it commits"
FINISHES = "a code finishes what a crash left half done"
RECORDED_ONCE = "what a code allows is recorded once"


class Using(NamedTuple):
    """A request with a link. `link`: its number; `good`: what `_REDEEM` found."""

    phase: str = "idle"
    link: int = 0
    good: bool = False
    began: tuple[int, int] = (0, 0)


class SecretState(NamedTuple):
    credential: int
    address: int
    links: tuple[tuple[int, int], ...]
    """Of each link the versions of credentials and address that it is bound to."""
    used: tuple[tuple[int, int], ...]
    requests: tuple[Using, ...]
    locked: int
    wrong: frozenset[str]


class ResetLinkModel(Model[SecretState]):
    """Two links, two requests, a change of the address in the log. `mutant`: no lock, or nothing compared."""

    def __init__(self, *, mutant: str = "") -> None:
        self._mutant = mutant

    def initial(self) -> SecretState:
        return SecretState(0, 0, (), (), (Using(), Using()), -1, frozenset())

    def broken(self, state: SecretState) -> Iterator[str]:
        yield from state.wrong
        if len(set(state.used)) < len(state.used):
            yield ONCE

    def steps(self, state: SecretState) -> Iterator[tuple[str, SecretState]]:
        if len(state.links) < 2:
            bound = (state.credential, state.address)
            yield "a link is issued", state._replace(links=(*state.links, bound))
        if not state.address:
            yield "the address is changed", state._replace(address=1)
        for number, using in enumerate(state.requests):
            for label, after in self._request(state, number, using):
                yield f"request {number} {label}", after

    def _request(self, state: SecretState, number: int, using: Using) -> Iterator[tuple[str, SecretState]]:
        if using.phase == "idle":
            for link in range(len(state.links)):
                yield f"comes with link {link}", self._put(state, number, Using("waits", link))
        elif using.phase == "waits" and (state.locked < 0 or self._mutant == "lock"):
            yield "has the lock", self._put(state._replace(locked=number), number, using._replace(phase="holds"))
        elif using.phase == "holds":
            bound, now = state.links[using.link], (state.credential, state.address)
            good = bound == now or self._mutant == "compare"
            yield f"redeems: {good}", self._put(state, number, using._replace(phase="redeemed", good=good, began=now))
        elif using.phase == "redeemed":
            yield "commits", self._commits(state, number, using)

    def _commits(self, state: SecretState, number: int, using: Using) -> SecretState:
        after = self._put(state._replace(locked=-1), number, Using("done"))
        if not using.good:
            return after
        bound = state.links[using.link]
        wrong = state.wrong | ({VOID} if bound != using.began else set())
        return after._replace(used=(*state.used, bound), credential=state.credential + 1, wrong=wrong)

    def _put(self, state: SecretState, number: int, using: Using) -> SecretState:
        return state._replace(requests=replaced(state.requests, number, using))


class CodeState(NamedTuple):
    there: bool = True
    recorded: int = 0
    phases: tuple[str, ...] = ("idle", "idle")
    faults: int = 0


class CodeModel(Model[CodeState]):
    """A code: its row is locked, the log records what it allows, its row is deleted. A process ends at any step."""

    possible = FINISHES

    def __init__(self, *, faults: int = 2, locks: bool = True, early: bool = False) -> None:
        self._faults, self._locks, self._early = faults, locks, early

    def initial(self) -> CodeState:
        return CodeState(there=True)

    def broken(self, state: CodeState) -> Iterator[str]:
        if state.recorded > 1:
            yield RECORDED_ONCE

    def is_goal(self, state: CodeState) -> bool:
        return state.recorded > 0 and not state.there

    def is_fault(self, before: CodeState, after: CodeState) -> bool:
        return after.faults > before.faults

    def steps(self, state: CodeState) -> Iterator[tuple[str, CodeState]]:
        for number, phase in enumerate(state.phases):
            if phase == "idle" and state.there and (not self._locks or set(state.phases) == {"idle"}):
                there = not self._early
                yield "the row is locked", self._put(state, number, "locked")._replace(there=there)
            elif phase == "locked":
                # The log knows the account: it is registered before, or now.
                recorded = state.recorded + 1 if not self._locks or not state.recorded else state.recorded
                yield "the log records it", self._put(state, number, "recorded")._replace(recorded=recorded)
            elif phase == "recorded":
                yield "the row is deleted", self._put(state, number, "idle")._replace(there=False)
            if phase != "idle" and state.faults < self._faults:
                yield "its process ends", self._put(state, number, "idle")._replace(faults=state.faults + 1)

    def _put(self, state: CodeState, number: int, phase: str) -> CodeState:
        return state._replace(phases=replaced(state.phases, number, phase))
