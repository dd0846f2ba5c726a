"""Keys for programs: they act as the account that made them, and never more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.errors import Conflict


class TooManyKeys(Conflict):
    """This account has too many API keys: end one first."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's key. `scopes`: "read", "write" or operations; `used_at`: right to the minute."""

    id: UUID
    account_id: UUID
    version: int
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class ApiKeys(Protocol):
    """Keys: a prefix, an id and 256 random bits, kept hashed. For another's, NotFound is raised."""

    async def make(
        self, account_id: UUID, name: str, scopes: Sequence[str], expires_at: datetime | None
    ) -> tuple[ApiKey, str]:
        """A new one, and what to send: it can't be shown again."""
        ...

    async def find(self, account_id: UUID, *, limit: int, after: UUID | None = None) -> Sequence[ApiKey]:
        """The account's, the oldest first."""
        ...

    async def get(self, account_id: UUID, id: UUID) -> ApiKey: ...

    async def rename(self, account_id: UUID, id: UUID, name: str, version: int | None) -> ApiKey:
        """Raises Stale unless it is at this version."""
        ...

    async def end(self, account_id: UUID, id: UUID, version: int | None) -> None:
        """It opens nothing from now on. Raises Stale."""
        ...

    async def bearer(self, key: str) -> ApiKey | None:
        """Whose it is, if it is one and has not ended; notes that it was used."""
        ...
