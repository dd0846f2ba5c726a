"""Token revocation: the ends of sessions in a process that reads the list of them each second.

`infrastructure/identity/token_revocation.py`: `TokenRevocation` with `_REVOKED`. Time is in whole seconds, one for each
refresh of the list; the times of the code are shortened in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model

SECOND = "a token is void a second after its session has ended"
SILENT = "a token is void once the list could not be read for SILENCE"


class Watched(NamedTuple):
    """`ended`: the time that the row of the session has; `committed`: since when others see it; -1: not yet."""

    now: int = 0
    ended: int = -1
    committed: int = -1
    known: bool = False
    refreshed: int = 0
    over: bool = False
    """Whether the transaction of the end was over at the last refresh."""
    hangs_until: int = 0
    stood_still: int = 0
    """Seconds since the last refresh that the process's clock does not count, of a machine that was suspended."""
    suspended: bool = False


class RevocationModel(Model[Watched]):
    """`slow`: COMMIT may take any time.

    `hangs`: refreshes may. `suspends`: the process's machine may, for some seconds. `mutant`: ends are looked for by
    their time (`time`), or the clock stands still while the machine is suspended (`clock`).
    """

    def __init__(
        self,
        *,
        silence: int = 2,
        horizon: int = 9,
        slow: bool = False,
        hangs: bool = False,
        suspends: bool = False,
        mutant: str = "",
    ) -> None:
        self._silence, self._horizon = silence, horizon
        self._slow, self._hangs, self._suspends, self._mutant = slow, hangs, suspends, mutant

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
                yield f"{state.now}: refreshes hang for {long} s", state._replace(hangs_until=state.now + long)
        if state.now < self._horizon and (self._slow or state.ended < 0 or state.committed >= 0):
            yield self._ticks(state)
            if self._suspends and not state.suspended:
                for long in range(2, 5):
                    still = long if self._mutant == "clock" else 0
                    after = state._replace(now=state.now + long, stood_still=still, suspended=True)
                    yield f"{state.now}: suspended for {long} s", after

    def _ticks(self, state: Watched) -> tuple[str, Watched]:
        """A second, and a refresh at its end."""
        now = state.now + 1
        if now < state.hangs_until:
            return f"{now}: no refresh", state._replace(now=now)
        sees = state.committed >= 0 and not state.over
        if self._mutant == "time":
            sees = state.committed >= 0 and state.ended > now - self._silence - 1
        fresh = state._replace(now=now, refreshed=now, over=state.committed >= 0, stood_still=0)
        return f"{now}: a refresh", fresh._replace(known=state.known or sees)
