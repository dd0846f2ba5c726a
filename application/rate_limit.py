"""Rate limits on requests that are expensive or reveal something."""

from dataclasses import dataclass, field
from typing import Protocol

from domain.errors import Refusal


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
        super().__init__(f"Try again in {room.reset} s.")
        self.room = room


class RateLimits(Protocol):
    """The limits, by the name of a policy such as "login"."""

    async def take(self, policy: str, network: str, subject: str = "") -> RateLimit:
        """Count one request; raises TooManyRequests. `subject`: the person it concerns, such as an e-mail address."""
        ...

    async def forgive(self, taken: RateLimit) -> None:
        """Uncount a legitimate request by what `take` answered, and remember its network as known to its subject.

        Undoes what `take` has done, and no counter falls below zero.
        """
        ...
