"""What use cases need from outside, besides the Log: secrets, sessions, mail. Rows, not history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.booking.waitlist import Wish
from domain.errors import Gone, Invalid

LONGEST_PASSWORD = 256  # characters


class WeakPassword(Invalid):
    """This password is too weak."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, "/password")


class TicketVoid(Gone):
    """This link was used before, is too old, or was never sent."""


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

    async def start_codes(self, account_id: UUID, secret: str) -> None:
        """Keep a secret of one-time codes, not yet in force; nothing happens if one is."""
        ...

    async def secret(self, credential: Credential) -> str | None:
        """The secret of its one-time codes."""
        ...

    async def use_code(self, account_id: UUID, step: int, *, confirms: bool = False) -> bool:
        """Whether this step's code is used now for the first time, and is newer than the last used."""
        ...

    async def stop_codes(self, account_id: UUID) -> None:
        """One-time codes are asked for no more."""
        ...


class TotpCodes(Protocol):
    """One-time codes by time (RFC 6238)."""

    def new_secret(self) -> str: ...

    def uri(self, secret: str, name: str) -> str:
        """What an app takes as a picture."""
        ...

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        """The step whose code it is, one to either side of now's allowed."""
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

    async def open(self, account_id: UUID, client: str, *, proven: str) -> tuple[Session, str]:
        """A new one, and its first refresh token. `proven`: the kept password as it was compared.

        Raises Unauthenticated if it has been changed since.
        """
        ...

    async def refresh(self, token: str, *, network: str = "") -> tuple[Session, str]:
        """The session and its next token. Raises Unauthenticated; one used before ends the session."""
        ...

    async def of(self, account_id: UUID) -> Sequence[Session]: ...

    async def end(self, account_id: UUID, session_id: UUID | None = None, *, keep: UUID | None = None) -> int:
        """End one, or all of the account's but `keep`; how many. Their tokens are void within a second."""
        ...


class OneTimeTokens(Protocol):
    """Secrets sent by mail: 256 bits, kept hashed, used once, for a short time."""

    async def issue(self, account_id: UUID, purpose: str, lifetime: timedelta) -> str: ...

    async def look(self, ticket: str, purpose: str) -> UUID:
        """As `redeem`, but it stays good."""
        ...

    async def redeem(self, ticket: str, purpose: str) -> UUID:
        """The account it was issued for; raises TicketVoid."""
        ...

    async def drop(self, account_id: UUID) -> None: ...


class Errands(Protocol):
    """What is to be done after the answer, so that the answer takes as long whoever asks. Kept until done."""

    async def ask(self, kind: str, said: Mapping[str, Any], *, after: timedelta = timedelta()) -> None: ...


class SecurityLog(Protocol):
    """Authentication and denied authorisation: append-only, for auditors."""

    async def note(self, kind: str, account_id: UUID | None = None, *, network: str = "", **facts: Any) -> None:
        """`network`: an address, kept as a keyed hash alone. `facts` hold nothing personal."""
        ...


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One line of the security log. `network`: a keyed hash, in hexadecimal."""

    id: int
    at: datetime
    kind: str
    account_id: UUID | None
    network: str | None
    facts: Mapping[str, Any]


class SecurityReader(SecurityLog, Protocol):
    """The security log for those who may read it."""

    async def find(
        self,
        *,
        limit: int,
        before: int | None = None,
        kind: str | None = None,
        account_id: UUID | None = None,
    ) -> Sequence[SecurityEvent]:
        """The newest first, those before an id."""
        ...


class RowEncryption(Protocol):
    """Encrypts personal data of a row under that person's own key."""

    async def encrypt(self, subject: UUID, value: Any, place: bytes) -> bytes: ...

    async def decrypt(self, subject: UUID, encrypted: bytes, place: bytes) -> Any:
        """None once the person is erased."""
        ...


@dataclass(frozen=True, slots=True)
class CalendarInvite:
    """What a calendar is to take or drop. `method`: REQUEST or CANCEL; `text`: iCalendar."""

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One mail. `id`: the same when it is sent again; `account_id`: whose it is, None if nobody's yet."""

    id: UUID
    kind: str
    to: str
    language: str
    said: Mapping[str, str]
    account_id: UUID | None = None
    invite: CalendarInvite | None = None


class Mailer(Protocol):
    """Mail to people, in their language. What is sent to somebody with an account is kept for them."""

    async def send(self, letter: MailMessage) -> None:
        """Sent once this returns; raises what stands against it, to be tried again."""
        ...


@dataclass(frozen=True, slots=True)
class Verification:
    """An e-mail address awaiting proof. `said`: what is to be done when it comes."""

    account_id: UUID
    said: Mapping[str, Any]


class Verifications(Protocol):
    """Addresses awaiting proof: a secret each, sent there by mail, kept hashed, good once and for a day."""

    async def issue(self, verification: Verification) -> str:
        """The secret."""
        ...

    async def take(self, secret: str) -> Verification:
        """Whose secret it is; nobody else gets it for a minute. Raises TicketVoid."""
        ...

    async def done(self, secret: str) -> None:
        """It is good no more."""
        ...

    async def give_back(self, secret: str) -> None:
        """Good again at once: it was taken in vain."""
        ...

    async def drop(self, account_id: UUID) -> None:
        """All of the account's."""
        ...


class SentMails(Protocol):
    """The mails that were sent to somebody."""

    async def of(self, account_id: UUID) -> Sequence[Mapping[str, Any]]:
        """The oldest first: at, kind, to, subject, text."""
        ...

    async def latest(self, account_id: UUID, *, limit: int, before: UUID | None = None) -> Sequence[Mapping[str, Any]]:
        """The newest first, with their ids; those before one of them."""
        ...


class WaitlistLine(Protocol):
    """Reads who waits, and what is free; no older than a position."""

    async def wishes(self, provider_id: UUID, since: datetime, until: datetime, at_least: int | None) -> Sequence[Wish]:
        """Of those who wait for something with this provider on these days, who came first before."""
        ...

    async def starts(
        self,
        service_id: UUID,
        provider_id: UUID,
        since: datetime,
        until: datetime,
        now: datetime,
        at_least: int | None,
    ) -> Sequence[datetime]:
        """The starts offered that would occupy a part of [since, until)."""
        ...
