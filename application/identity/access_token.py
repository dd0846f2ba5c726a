"""Access tokens: callers send one with each request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.access import Caller, Role


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token, and the seconds for which it is valid."""

    token: str
    expires_in: int


class AccessTokens(Protocol):
    """Issues access tokens at sign-in, and verifies them until they expire or are revoked."""

    def verify(self, token: str) -> Caller:
        """The caller that the token identifies; raises Unauthenticated."""
        ...

    def grant(self, account: UUID, role: Role, session: UUID, now: datetime, seen: int) -> IssuedToken:
        """Issue a token for ten minutes. `seen`: the log position at which the role was read.

        A change of the account after that position revokes the token, even if the clock of that change is behind.
        """
        ...
