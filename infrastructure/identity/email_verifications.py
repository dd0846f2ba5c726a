"""E-mail addresses that await verification."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from application.identity.one_time_tokens import TicketVoid, Verification
from domain.kernel import derived_id
from infrastructure.database.row_pool import RowPool
from infrastructure.identity.opaque_secrets import hashed, new_secret
from infrastructure.identity.secret_binding import LOCK, RECORDED, VERSION, void
from infrastructure.privacy.row_encryption import RowEncryption

LIFETIME = timedelta(hours=24)
KEY = derived_id("key", "verifications")
"""The subject whose key encrypts verifications: a new registration has no account, so no key of its own."""

_NEWER = "SELECT 1 FROM auth.verification WHERE about = %s AND asked_at > %s"
_OLDER = "DELETE FROM auth.verification WHERE about = %s AND asked_at < %s"
_ISSUE = f"""
    INSERT INTO auth.verification (
        hash, account_id, said, expires_at, about, asked_at, credential, streams, versions)
    VALUES (%s, %s, %s, clock_timestamp() + %s, %s, %s,
            coalesce(%s::bigint, {VERSION}), %s, coalesce(%s::bigint[], {RECORDED}))"""  # noqa: S608
_PRUNE = "DELETE FROM auth.verification WHERE expires_at < clock_timestamp()"
# The lock on the row lets only one of two requests with the same code pass.
_TAKE = """
    SELECT account_id FROM auth.verification WHERE hash = %s AND expires_at >= clock_timestamp() FOR UPDATE"""
_READ = f"""
    SELECT account_id, said, about, asked_at, streams, {void("v")} FROM auth.verification v
    WHERE hash = %s"""  # noqa: S608  all of it is written here


class Verifications:
    """The table `auth.verification`."""

    def __init__(self, rows: RowPool, encryption: RowEncryption) -> None:
        self._rows = rows
        self._encryption = encryption

    async def issue(self, verification: Verification) -> str | None:
        """Also removes expired verifications."""
        secret, it = new_secret(), verification
        fields = await self._encryption.encrypt(KEY, dict(it.said), hashed(secret))
        streams = list(it.streams)
        bound = [it.credential, it.account_id, streams, it.versions and list(it.versions), streams]
        async with self._rows.transaction():
            await self._rows.all(LOCK, [it.about])
            await self._rows.all(_PRUNE)
            if await self._rows.one(_NEWER, [it.about, it.asked_at]):
                return None
            await self._rows.all(_OLDER, [it.about, it.asked_at])
            values = [hashed(secret), it.account_id, fields, LIFETIME, it.about, it.asked_at, *bound]
            await self._rows.all(_ISSUE, values)
        return secret

    async def take(self, secret: str) -> Verification:
        found = await self._rows.one(_TAKE, [hashed(secret)])
        if found is None:
            raise TicketVoid
        await self._rows.all(LOCK, [found[0]])
        row = await self._rows.one(_READ, [hashed(secret)])
        assert row is not None
        account_id, encrypted, about, asked_at, streams, is_void = row
        fields: Mapping[str, Any] | None = await self._encryption.decrypt(KEY, bytes(encrypted), hashed(secret))
        if fields is None:
            raise TicketVoid
        return Verification(
            account_id=account_id, said=fields, about=about, asked_at=asked_at, streams=streams, void=is_void
        )

    async def done(self, secret: str) -> None:
        await self._rows.all("DELETE FROM auth.verification WHERE hash = %s", [hashed(secret)])

    async def drop(self, account_id: UUID) -> None:
        await self._rows.all("DELETE FROM auth.verification WHERE account_id = %s", [account_id])
