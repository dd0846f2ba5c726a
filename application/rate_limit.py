"""How often may be asked, of what costs or tells something?"""

from dataclasses import dataclass
from typing import Protocol

from domain.errors import Refusal


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much more may be asked. `quota` requests in `window` seconds; `remaining` until in `reset` s."""

    policy: str
    quota: int
    window: int
    remaining: int
    reset: int


class TooManyRequests(Refusal):
    """Too many requests: wait a little."""

    def __init__(self, room: RateLimit) -> None:
        super().__init__(f"Try again in {room.reset} s.")
        self.room = room


class RateLimits(Protocol):
    """How often may be asked, by policy such as "login"."""

    async def take(self, policy: str, network: str, subject: str = "") -> RateLimit:
        """Count one request; raises TooManyRequests. `subject`: whom it concerns, such as an address."""
        ...

    async def forgive(self, policy: str, network: str, subject: str) -> None:
        """It was rightly asked: it counts for nothing, and this network is known to the subject."""
        ...
