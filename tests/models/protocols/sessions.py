"""Sign-in: refresh tokens with their grace, and a password that is reset.

`infrastructure/identity`: `Sessions`; `application/identity/password.py`. Time is in whole seconds; the times of the
code are shortened in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

ONE = "a session has one refresh token that is not used"
FOUND_OUT = "a copied token ends the session, unless it is used within the grace period and before its successor"
HONEST = "nobody honest is signed out"
ENDED = "a new password ends the sessions of before"


class Token(NamedTuple):
    used: int = -1
    holder: str = "owner"


class Family(NamedTuple):
    now: int
    tokens: tuple[Token, ...]
    successors: tuple[int, ...]
    """Of each token the one that it was exchanged for; -1 for none, and once its grace has ended."""
    ended: bool
    missed: bool
    """A token came too late, and the session did not end."""
    stolen: bool
    uses: int


class RefreshModel(Model[Family]):
    """Refresh tokens of one session.

    A thief copies one. Within the grace period a used token gives its successor again. `mutant`: it gives another one
    each time (`branch`), or does so though the successor was used (`follow`).
    """

    def __init__(self, *, grace: int = 2, horizon: int = 6, most: int = 4, mutant: str = "") -> None:
        self._grace, self._horizon, self._most, self._mutant = grace, horizon, most, mutant

    def initial(self) -> Family:
        return Family(0, (Token(),), (-1,), ended=False, missed=False, stolen=False, uses=0)

    def broken(self, state: Family) -> Iterator[str]:
        if sum(each.used < 0 for each in state.tokens) > 1:
            yield ONE
        if state.missed and not state.ended:
            yield FOUND_OUT
        if state.ended and not state.stolen:
            yield HONEST

    def steps(self, state: Family) -> Iterator[tuple[str, Family]]:
        if state.now < self._horizon:
            yield f"{state.now + 1}: a second passes", state._replace(now=state.now + 1)
        if state.ended:
            return
        for number, token in enumerate(state.tokens):
            if token.holder == "owner" and not state.stolen:
                tokens = replaced(state.tokens, number, token._replace(holder="both"))
                yield f"{state.now}: a thief copies {number}", state._replace(tokens=tokens, stolen=True)
            for who in ("owner", "thief"):
                if token.holder in {who, "both"} and state.uses < self._most:
                    yield from self._shows(state, number, who)

    def _shows(self, state: Family, number: int, who: str) -> Iterator[tuple[str, Family]]:
        """`Sessions.refresh`. The honest one shows the newest that it has."""
        newest = max(n for n, each in enumerate(state.tokens) if each.holder in {"owner", "both"})
        if who == "owner" and number != newest:
            return
        token, used = state.tokens[number], state._replace(uses=state.uses + 1)
        after, over = state.successors[number], token.used >= 0 and state.now - token.used >= self._grace
        if token.used < 0:
            yield f"{state.now}: the {who} shows {number}", self._exchanged(used, number, who)
        elif over or after < 0:
            yield f"{state.now}: the {who} shows {number}: the session ends", used._replace(ended=True)
        elif self._mutant == "branch":
            branch = used._replace(tokens=(*used.tokens, Token(holder=who)), successors=(*used.successors, -1))
            yield f"{state.now}: the {who} shows {number} again, gets another", branch
        else:
            late = any(each.used >= 0 for each in state.tokens[number + 1 :])
            tokens = replaced(state.tokens, after, state.tokens[after]._replace(holder="both"))
            again = used._replace(tokens=tokens, missed=state.missed or late)
            yield f"{state.now}: the {who} shows {number} again, gets {after}", again

    def _exchanged(self, state: Family, number: int, who: str) -> Family:
        """`_EXCHANGE` and `_FOLLOW`."""
        token = state.tokens[number]._replace(used=state.now)
        tokens = (*replaced(state.tokens, number, token), Token(holder=who))
        before = state.successors if self._mutant == "follow" else (-1,) * len(state.successors)
        return state._replace(tokens=tokens, successors=(*replaced(before, number, len(state.tokens)), -1))


class Resetting(NamedTuple):
    step: int = 0
    password: str = "old"
    sessions: frozenset[str] = frozenset()
    proven: bool = False
    """The thief's password was checked against the old one, and the session is not yet opened."""


class ResetModel(Model[Resetting]):
    """`reset_password` beside a sign-in with the old password. A crash is that no step follows.

    `together`: ticket, password and sessions are one transaction. `compared`: `_OPEN` compares the password again.
    """

    def __init__(self, *, together: bool = True, compared: bool = True) -> None:
        self._together, self._compared = together, compared

    def initial(self) -> Resetting:
        return Resetting(sessions=frozenset({"of before"}))

    def broken(self, state: Resetting) -> Iterator[str]:
        if state.password == "new" and state.sessions:
            yield ENDED

    def steps(self, state: Resetting) -> Iterator[tuple[str, Resetting]]:
        if state.password == "old" and not state.proven:
            yield "the old password is checked", state._replace(proven=True)
        if state.proven and (state.password == "old" or not self._compared):
            opened = state._replace(sessions=state.sessions | {"thief"}, proven=False)
            yield "a session is opened", opened
        if state.step == 0:
            new = state._replace(step=1, password="new")
            yield "the password is put", new._replace(step=2, sessions=frozenset()) if self._together else new
        elif state.step == 1:
            yield "the sessions are ended", state._replace(step=2, sessions=frozenset())
