"""Rate limits on requests that are expensive or reveal something."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.errors import Refusal

STEP, MOST_ACCOUNTS = 8_192, 10_000  # bytes; accounts whose last bytes a process remembers


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`quota` requests in `window` seconds; `remaining` are left until the window resets in `reset` seconds.

    `counted`: what `take` counted, for `forgive` to undo.
    """

    policy: str
    quota: int
    window: int
    remaining: int
    reset: int
    counted: object = field(default=None, repr=False, compare=False)


class TooManyRequests(Refusal):
    """Too many requests."""

    def __init__(self, room: RateLimit) -> None:
        rule = f"The limit `{room.policy}` is {room.quota} in {room.window} s."
        super().__init__(f"{rule} Try again in {room.reset} s.", limit=room.policy)
        self.room = room


class RateLimits(Protocol):
    """The limits, by the name of a policy such as "login"."""

    async def take(self, policy: str, network: str, subject: str = "", cost: int = 1) -> RateLimit:
        """Count one request; raises TooManyRequests. `subject`: the person it concerns, such as an e-mail address.

        `cost`: what it counts as, for a policy that does not count requests.
        """
        ...

    async def forgive(self, taken: RateLimit) -> None:
        """Uncount a legitimate request by what `take` answered, and remember its network as known to its subject.

        Undoes what `take` has done, and no counter falls below zero.
        """
        ...


class WriteBudget:
    """Counts the bytes that an account writes into the log in a day, since nobody may ever delete them.

    A process counts by itself until an account has written STEP bytes, and then for all processes.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._written: dict[UUID, int] = {}

    async def spend(self, account: UUID, network: str, size: int, *, customer: bool) -> None:
        """Raises TooManyRequests for an account that has written too much."""
        written = self._written.pop(account, 0) + size
        if written < STEP:
            if len(self._written) >= MOST_ACCOUNTS:
                self._written.clear()
            self._written[account] = written
            return
        try:
            await self._limits.take("text" if customer else "staff_text", network, str(account), written)
        except TooManyRequests:
            self._written[account] = STEP  # so that a smaller request does not slip through
            raise
