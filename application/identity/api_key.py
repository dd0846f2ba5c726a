"""API keys for programs: a key acts as the account that created it, within its scopes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol
from uuid import UUID

from application.access import ANONYMOUS, Caller, Role
from application.event_log import EventStore
from application.people.account import FindAccount, find_account
from domain.errors import Conflict, NotFound, Unauthenticated
from domain.people.account import Account

PREFIX = "dbk_"
FRESH = 1.0  # seconds for which a look-up is cached
REMEMBERED = 1_000  # keys
MOST_KEYS = 100  # of an account


class TooManyKeys(Conflict):
    """The account has too many API keys. Delete one first."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's key. `scopes`: "read", "write" or operations; `used_at`: accurate to the minute."""

    id: UUID
    account_id: UUID
    version: int
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class ApiKeys(Protocol):
    """API keys: a prefix, an id and 256 random bits, stored as a hash. Raises NotFound for a key of another account."""

    async def make(
        self, account_id: UUID, name: str, scopes: Sequence[str], expires_at: datetime | None
    ) -> tuple[ApiKey, str]:
        """The new key and its secret, which cannot be shown again."""
        ...

    async def find(self, account_id: UUID, *, limit: int, after: UUID | None = None) -> Sequence[ApiKey]:
        """The account's keys, the oldest first."""
        ...

    async def get(self, account_id: UUID, id: UUID) -> ApiKey: ...

    async def rename(self, account_id: UUID, id: UUID, name: str, version: int | None) -> ApiKey:
        """Rename the key. Raises Stale for another version."""
        ...

    async def end(self, account_id: UUID, id: UUID, version: int | None) -> None:
        """Revoke the key. Raises Stale."""
        ...

    async def end_all(self, account_id: UUID) -> int:
        """Revoke all keys of the account; how many."""
        ...

    async def bearer(self, key: str) -> ApiKey | None:
        """The key of a secret, None if it is unknown or revoked; records that it was used."""
        ...


class ApiKeyHolders:
    """The account that holds a key, in its current role. Cached for one second."""

    def __init__(self, keys: ApiKeys, store: EventStore, *, clock: Callable[[], float] = monotonic) -> None:
        self._keys = keys
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, Caller]] = {}

    async def holder(self, key: str) -> Caller:
        """Raises Unauthenticated for an unknown or revoked key, and for a key of an inactive account."""
        known, now = self._known.get(key), self._clock()
        if known is not None and now < known[0]:
            return known[1]
        self._known.pop(key, None)
        found = await self._keys.bearer(key)
        if found is None:
            raise Unauthenticated("The API key is not valid or was revoked.")
        account = await self._account(found.account_id)
        caller = Caller(found.account_id, Role(account.role), scopes=frozenset(found.scopes), key=found.id)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = now + FRESH, caller
        return caller

    async def _account(self, account_id: UUID) -> Account:
        asked = FindAccount(by=ANONYMOUS, account_id=account_id)
        try:
            account = (await find_account(asked, self._store)).aggregate
        except NotFound:
            raise Unauthenticated("The API key is not valid or was revoked.") from None
        if not account.active:
            raise Unauthenticated("The API key is not valid or was revoked.")
        return account
