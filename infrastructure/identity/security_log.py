"""The security log: append-only rows of account, action and time, with the network as a keyed hash."""

import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from application.identity.security_log import SecurityEvent
from infrastructure.database.row_pool import RowPool

_NOTE = "INSERT INTO auth.security_log (kind, account_id, network, facts) VALUES (%s, %s, %s, %s)"
_FIND = """
    SELECT id, at, kind, account_id, encode(network, 'hex'), facts FROM auth.security_log
    WHERE (%s::bigint IS NULL OR id < %s) AND (%s::text IS NULL OR kind = %s)
      AND (%s::uuid IS NULL OR account_id = %s)
    ORDER BY id DESC LIMIT %s"""
_BYTES = 16


class SecurityLog:
    """The table `auth.security_log`. `key`: hides networks, which could be guessed from a plain hash."""

    def __init__(self, pool: RowPool, key: bytes) -> None:
        self._pool = pool
        self._key = key

    async def note(self, kind: str, account_id: UUID | None = None, *, network: str = "", **facts: Any) -> None:
        hidden = hmac.digest(self._key, network.encode(), "sha256")[:_BYTES] if network else None
        await self._pool.all(_NOTE, [kind, account_id, hidden, Jsonb(facts)])

    async def find(
        self,
        *,
        limit: int,
        before: int | None = None,
        kind: str | None = None,
        account_id: UUID | None = None,
    ) -> Sequence[SecurityEvent]:
        values = [before, before, kind, kind, account_id, account_id, limit]
        return [SecurityEvent(*row) for row in await self._pool.all(_FIND, values)]
