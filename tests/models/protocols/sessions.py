"""Sign-in: the ends of sessions in every process, refresh tokens with their grace, and a password that is reset.

`infrastructure/identity`: `TokenRevocation`, `Sessions`; `application/identity/password.py`. Time is in whole
seconds, one for each refresh of the list; the times of the code are shortened in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

SECOND = "a token is void a second after its session has ended"
SILENT = "a token is void once the list could not be read for SILENCE"
FOUND_OUT = "two who go on from one refresh token are found out"
HONEST = "nobody honest is signed out"
ENDED = "a new password ends the sessions of before"


class Watched(NamedTuple):
    """`ended`: the time that the row of the session has; `committed`: since when others see it; -1: not yet."""

    now: int = 0
    ended: int = -1
    committed: int = -1
    known: bool = False
    refreshed: int = 0
    hangs_until: int = 0
    first: bool = False
    stood_still: int = 0
    """Seconds since the last refresh that the process's clock does not count: its machine was suspended."""


class RevocationModel(Model[Watched]):
    """`slow`: COMMIT may take any time.

    `hangs`: refreshes may. `suspends`: the process's machine may, for some seconds.
    """

    def __init__(
        self,
        *,
        overlap: int = 3,
        silence: int = 2,
        horizon: int = 9,
        slow: bool = True,
        hangs: bool = True,
        suspends: bool = False,
    ) -> None:
        self._overlap, self._silence, self._horizon = overlap, silence, horizon
        self._slow, self._hangs, self._suspends = slow, hangs, suspends

    def initial(self) -> Watched:
        return Watched()

    def broken(self, state: Watched) -> Iterator[str]:
        trusts = state.now - state.refreshed - state.stood_still <= self._silence
        since = state.now - state.committed
        if state.committed >= 0 and not state.known and trusts:
            if since > 1:
                yield SECOND
            if since > self._silence + 1:
                yield SILENT

    def steps(self, state: Watched) -> Iterator[tuple[str, Watched]]:
        if state.ended < 0:
            yield f"{state.now}: the session's end is written", state._replace(ended=state.now)
        elif state.committed < 0 and (self._slow or state.ended == state.now):
            yield f"{state.now}: that is committed", state._replace(committed=state.now)
        if self._hangs and not state.hangs_until:
            for long in range(2, 6):
                yield (
                    f"{state.now}: refreshes hang for {long} s",
                    state._replace(hangs_until=state.now + long, first=True),
                )
        if state.now < self._horizon and (self._slow or state.ended < 0 or state.committed >= 0):
            yield self._ticks(state)
            if self._suspends and not state.stood_still:
                for long in range(2, 5):
                    yield f"{state.now}: suspended for {long} s", state._replace(now=state.now + long, stood_still=long)

    def _ticks(self, state: Watched) -> tuple[str, Watched]:
        """A second, and a refresh at its end: `_REVOKED`."""
        now = state.now + 1
        if now < state.hangs_until:
            return f"{now}: no refresh", state._replace(now=now)
        sees = state.committed >= 0 and (state.first or state.ended > now - self._overlap)
        fresh = state._replace(now=now, refreshed=now, first=False, stood_still=0)
        return f"{now}: a refresh", fresh._replace(known=state.known or sees)


class Token(NamedTuple):
    used: int = -1
    holder: str = "owner"


class Family(NamedTuple):
    now: int
    tokens: tuple[Token, ...]
    successors: tuple[int, ...]
    """Of each token the one that it was exchanged for; -1 for none."""
    ended: bool
    stolen: bool
    uses: int


class RefreshModel(Model[Family]):
    """Refresh tokens of one session.

    A thief copies one. Within the grace period a used token gives its successor again.
    """

    def __init__(self, *, grace: int = 2, horizon: int = 6, most: int = 4) -> None:
        self._grace, self._horizon, self._most = grace, horizon, most

    def initial(self) -> Family:
        return Family(0, (Token(),), (-1,), ended=False, stolen=False, uses=0)

    def broken(self, state: Family) -> Iterator[str]:
        """Both have gone on, and both hold a token that counts, though the time is over."""
        holders = {each.holder for each in state.tokens if each.used < 0}
        both = "both" in holders or {"owner", "thief"} <= holders
        if state.stolen and not state.ended and both and state.now == self._horizon and state.uses >= self._most:
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
        if token.used >= 0 and state.now - token.used >= self._grace:
            yield f"{state.now}: the {who} shows {number}: the session ends", used._replace(ended=True)
        elif token.used >= 0:
            after = state.successors[number]
            tokens = replaced(state.tokens, after, state.tokens[after]._replace(holder="both"))
            yield f"{state.now}: the {who} shows {number} again, gets {after}", used._replace(tokens=tokens)
        else:
            tokens = (*replaced(state.tokens, number, token._replace(used=state.now)), Token(holder=who))
            following = (*replaced(state.successors, number, len(state.tokens)), -1)
            yield f"{state.now}: the {who} shows {number}", used._replace(tokens=tokens, successors=following)


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
