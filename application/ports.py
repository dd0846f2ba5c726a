"""What use cases need from outside, besides the Log: secrets, sessions, mail. Rows, not history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID


class Passwords(Protocol):
    """Hashing off the event loop, a bounded number at a time."""

    def check(self, password: str, *, least: int = 15, about: Sequence[str] = ()) -> None:
        """Raises WeakPassword: too short or long, on the list of common ones, or made of words in `about`."""
        ...

    async def hash(self, password: str) -> str:
        """To be kept. Raises Unavailable when too many wait."""
        ...

    async def verify(self, password: str, kept: str | None) -> bool:
        """Is it this one? With None kept it takes as long, and is not."""
        ...


@dataclass(frozen=True, slots=True)
class Credential:
    """How an account proves itself. `long`: the password has 15 characters at least.

    `totp`: the sealed secret of one-time codes, in force once `totp_confirmed`; `totp_step`: the last used.
    """

    account_id: UUID
    password: str
    long: bool
    totp: bytes | None = None
    totp_confirmed: bool = False
    totp_step: int = 0


class Credentials(Protocol):
    """One row an account."""

    async def get(self, account_id: UUID) -> Credential | None: ...

    async def put(self, account_id: UUID, password: str, *, long: bool) -> None:
        """A password's hash, new or in place of the one before."""
        ...

    async def drop(self, account_id: UUID) -> None:
        """Nobody signs in with it any more."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """One device that is signed in. `client`: what it said of itself."""

    id: UUID
    account_id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    client: str


class Sessions(Protocol):
    """Families of refresh tokens: 256 bits each, kept hashed, exchanged at each use."""

    async def open(self, account_id: UUID, client: str) -> tuple[Session, str]:
        """A new one, and its first refresh token."""
        ...

    async def refresh(self, token: str) -> tuple[Session, str]:
        """The session and its next token. Raises Unauthenticated; one used before ends the session."""
        ...

    async def of(self, account_id: UUID) -> Sequence[Session]: ...

    async def end(self, account_id: UUID, session_id: UUID | None = None) -> int:
        """End one, or all of the account's; how many. Their access tokens are void within a second."""
        ...


class Tickets(Protocol):
    """Secrets sent by mail: 256 bits, kept hashed, used once, for a short time."""

    async def issue(self, account_id: UUID, purpose: str, lifetime: timedelta) -> str: ...

    async def redeem(self, ticket: str, purpose: str) -> UUID:
        """The account it was issued for; raises TicketVoid."""
        ...

    async def drop(self, account_id: UUID) -> None: ...


class Errands(Protocol):
    """What is to be done after the answer, so that the answer takes as long whoever asks. Kept until done."""

    async def ask(self, kind: str, said: Mapping[str, Any]) -> None: ...


class SecurityLog(Protocol):
    """Authentication and denied authorisation: append-only, for auditors."""

    async def note(
        self, kind: str, account_id: UUID | None = None, *, network: str = "", **facts: Any
    ) -> None:
        """`network`: an address, kept as a keyed hash alone. `facts` hold nothing personal."""
        ...
