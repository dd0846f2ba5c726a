"""Ports to the secrets that are sent by mail: 256 bits each, stored as hashes, used once, for a limited time.

Each is bound to the state it was issued under: the account's credentials, address and status. A change voids it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.errors import Gone


class TicketVoid(Gone):
    """This code is not valid: it was used, replaced or never sent, has expired, or the account has changed since."""


class OneTimeTokens(Protocol):
    """One-time tokens of accounts, each for one purpose."""

    async def issue(self, account_id: UUID, purpose: str, lifetime: timedelta) -> str: ...

    async def look(self, ticket: str, purpose: str) -> UUID:
        """As `redeem`, but the token stays valid."""
        ...

    async def redeem(self, ticket: str, purpose: str) -> UUID:
        """The account that the token was issued for; raises TicketVoid."""
        ...

    async def drop(self, account_id: UUID) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """An e-mail address awaiting proof. `said`: the data of the registration or the address change.

    `about`: the address to register, or the account that moves; of several requests about it, the newest counts.
    Bound to `streams` at `versions`, and to the account's credentials at version `credential`; None: at present.
    `void`: what it is bound to has changed.
    """

    account_id: UUID
    said: Mapping[str, Any]
    about: UUID
    asked_at: datetime
    streams: Sequence[UUID]
    versions: Sequence[int] | None = None
    credential: int | None = None
    void: bool = False


class Verifications(Protocol):
    """E-mail addresses awaiting proof: one token each, valid for a day."""

    async def issue(self, verification: Verification) -> str | None:
        """The token to send; those of older requests are void. None if there was a newer request."""
        ...

    async def take(self, secret: str) -> Verification:
        """The verification of the token, reserved until the transaction ends. Raises TicketVoid."""
        ...

    async def done(self, secret: str) -> None:
        """Void the token: the verification is complete."""
        ...

    async def drop(self, account_id: UUID) -> None:
        """Delete all verifications of the account."""
        ...
