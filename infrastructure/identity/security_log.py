"""The security log: append-only rows of account, action and time, with the network as a keyed hash.

One function of the database writes them, each call under one seal. What arrives during a call goes with the next.
"""

import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from prometheus_client import Counter
from psycopg.types.json import Jsonb

from application.identity.security_log import SecurityEvent
from infrastructure.database.row_pool import RowPool
from projections.query.gathered_calls import GatheredCalls

_RECORD = "SELECT auth.record_security(%s::text[], %s::uuid[], %s::bytea[], %s::jsonb[])"
_FIND = """
    SELECT id, at, kind, account_id, encode(network, 'hex'), facts FROM auth.security_log
    WHERE (%s::bigint IS NULL OR id < %s) AND (%s::text IS NULL OR kind = %s)
      AND (%s::uuid IS NULL OR account_id = %s)
    ORDER BY id DESC LIMIT %s"""
_BYTES = 16
_EVENTS = Counter("daybook_security_events", "Entries of the security log, by kind; repeated ones count", ["kind"])
for _refusal in ("login_failed", "token_refused", "denied", "limited"):
    _EVENTS.labels(_refusal)


class _SecurityRow(NamedTuple):
    """One to record."""

    kind: str
    account_id: UUID | None
    network: bytes | None
    facts: Jsonb


class SecurityLog:
    """The table `auth.security_log`. `key`: hides networks, which could be guessed from a plain hash."""

    def __init__(self, pool: RowPool, key: bytes) -> None:
        self._pool = pool
        self._key = key
        self._gathered = GatheredCalls(self._record, "security log")

    async def note(self, kind: str, account_id: UUID | None = None, *, network: str = "", **facts: Any) -> None:
        _EVENTS.labels(kind).inc(facts.get("times", 1))
        hidden = hmac.digest(self._key, network.encode(), "sha256")[:_BYTES] if network else None
        row = _SecurityRow(kind, account_id, hidden, Jsonb(facts))
        if self._pool.in_transaction:
            await self._record([row])
            return
        await self._gathered.add(row)

    async def _record(self, rows: Sequence[_SecurityRow]) -> None:
        await self._pool.all(_RECORD, [list(column) for column in zip(*rows, strict=True)])

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
