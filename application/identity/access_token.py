"""Access tokens: what a caller shows with each request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.access import Caller, Role


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token, and the seconds for which it is good."""

    token: str
    expires_in: int


class AccessTokens(Protocol):
    """Issued to who signed in, believed until they run out or are void."""

    def verify(self, token: str) -> Caller:
        """Who bears it; raises Unauthenticated."""
        ...

    def grant(self, account: UUID, role: Role, session: UUID, now: datetime, seen: int) -> IssuedToken:
        """A token for ten minutes. `seen`: the position of the log as of which the role was so.

        A change of the account after that position makes it void, even if its clock is late.
        """
        ...
