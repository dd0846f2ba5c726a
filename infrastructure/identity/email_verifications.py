"""E-mail addresses that await verification."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from application.identity.one_time_tokens import TicketVoid, Verification
from domain.kernel import derived_id
from infrastructure.database.row_pool import RowPool
from infrastructure.identity.opaque_secrets import hashed, new_secret
from infrastructure.privacy.row_encryption import RowEncryption

LIFETIME = timedelta(hours=24)
KEY = derived_id("key", "verifications")
"""The subject whose key encrypts verifications: a new registration has no account, so no key of its own."""

_ISSUE = (
    "INSERT INTO auth.verification (hash, account_id, said, expires_at) VALUES (%s, %s, %s, clock_timestamp() + %s)"
)
_PRUNE = "DELETE FROM auth.verification WHERE expires_at < clock_timestamp()"
_TAKE = """
    UPDATE auth.verification SET taken_at = clock_timestamp()
    WHERE hash = %s AND expires_at >= clock_timestamp()
    AND (taken_at IS NULL OR taken_at < clock_timestamp() - interval '1 minute')
    RETURNING account_id, said"""


class Verifications:
    """The table `auth.verification`."""

    def __init__(self, rows: RowPool, encryption: RowEncryption) -> None:
        self._rows = rows
        self._encryption = encryption

    async def issue(self, verification: Verification) -> str:
        """Also removes expired verifications."""
        secret = new_secret()
        fields = await self._encryption.encrypt(KEY, dict(verification.said), hashed(secret))
        await self._rows.all(_PRUNE)
        await self._rows.all(_ISSUE, [hashed(secret), verification.account_id, fields, LIFETIME])
        return secret

    async def take(self, secret: str) -> Verification:
        row = await self._rows.one(_TAKE, [hashed(secret)])
        if row is None:
            raise TicketVoid
        account_id, encrypted = row
        fields: Mapping[str, Any] | None = await self._encryption.decrypt(KEY, bytes(encrypted), hashed(secret))
        if fields is None:
            raise TicketVoid
        return Verification(account_id, fields)

    async def done(self, secret: str) -> None:
        await self._rows.all("DELETE FROM auth.verification WHERE hash = %s", [hashed(secret)])

    async def give_back(self, secret: str) -> None:
        await self._rows.all("UPDATE auth.verification SET taken_at = NULL WHERE hash = %s", [hashed(secret)])

    async def drop(self, account_id: UUID) -> None:
        await self._rows.all("DELETE FROM auth.verification WHERE account_id = %s", [account_id])
