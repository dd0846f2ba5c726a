"""Signing secrets of webhooks: shown once, stored encrypted."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.kernel import derived_id, new_id
from infrastructure.database.row_pool import RowPool, rows
from infrastructure.privacy.row_encryption import RowEncryption

KEY = derived_id("key", "webhooks")
"""The subject whose key encrypts signing secrets: the system."""
PREFIX = "whsec_"
LENGTH = 32  # random bytes; the standard takes 24 to 64
GRACE = timedelta(hours=24)

_OLD = """
    UPDATE work.webhook_secret SET ends_at = clock_timestamp() + %s
    WHERE webhook_id = %s AND ends_at IS NULL"""
_OVER = "DELETE FROM work.webhook_secret WHERE webhook_id = %s AND ends_at <= clock_timestamp()"
_NEW = "INSERT INTO work.webhook_secret (id, webhook_id, secret) VALUES (%s, %s, %s)"
_CURRENT = """
    SELECT id, secret FROM work.webhook_secret
    WHERE webhook_id = %s AND (ends_at IS NULL OR ends_at > clock_timestamp()) ORDER BY id DESC"""


class SigningSecrets:
    """The table `work.webhook_secret`."""

    def __init__(self, pool: RowPool, encryption: RowEncryption) -> None:
        self._pool = pool
        self._encryption = encryption

    async def renew(self, webhook_id: UUID) -> str:
        id, secret = new_id(), PREFIX + b64encode(secrets.token_bytes(LENGTH)).decode()
        encrypted = await self._encryption.encrypt(KEY, secret, id.bytes)
        async with self._pool.transaction() as connection:
            await rows(connection, _OLD, [GRACE, webhook_id])
            await rows(connection, _OVER, [webhook_id])
            await rows(connection, _NEW, [id, webhook_id, encrypted])
        return secret

    async def current(self, webhook_id: UUID) -> Sequence[str]:
        found = await self._pool.all(_CURRENT, [webhook_id])
        return [str(await self._encryption.decrypt(KEY, bytes(encrypted), id.bytes)) for id, encrypted in found]
