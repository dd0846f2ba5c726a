"""Ports to the secrets that are sent by mail: 256 bits each, stored as hashes, used once, for a limited time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.errors import Gone


class TicketVoid(Gone):
    """This code was used before, has expired, or was never sent."""


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


@dataclass(frozen=True, slots=True)
class Verification:
    """An e-mail address awaiting proof. `said`: the data of the registration or the address change."""

    account_id: UUID
    said: Mapping[str, Any]


class Verifications(Protocol):
    """E-mail addresses awaiting proof: one token each, valid for a day."""

    async def issue(self, verification: Verification) -> str:
        """The token to send."""
        ...

    async def take(self, secret: str) -> Verification:
        """The verification of the token, which is reserved for the caller for a minute. Raises TicketVoid."""
        ...

    async def done(self, secret: str) -> None:
        """Void the token: the verification is complete."""
        ...

    async def give_back(self, secret: str) -> None:
        """Release the token at once: the verification failed."""
        ...

    async def drop(self, account_id: UUID) -> None:
        """Delete all verifications of the account."""
        ...
