"""What is to be done after the answer, in `auth.errand`: asked in one statement, whoever it is about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.kernel import derived_id, new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.privacy.row_encryption import RowEncryption

KEY = derived_id("key", "errands")
"""Whose key seals what was said: the system's."""
LEASE = timedelta(minutes=1)
ATTEMPTS = 12  # with the pauses below, some nine hours
_PAUSE = "least(interval '2 hours', interval '5 seconds' * power(2, attempts)) * (0.75 + random() / 2)"

_ASK = "INSERT INTO auth.errand (id, kind, said, due_at) VALUES (%s, %s, %s, clock_timestamp() + %s)"
_TAKE = """
    WITH due AS (
        SELECT id FROM auth.errand WHERE dead_at IS NULL AND due_at <= clock_timestamp()
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
    UPDATE auth.errand e SET due_at = clock_timestamp() + %s, attempts = attempts + 1
    FROM due WHERE e.id = due.id RETURNING e.id, e.kind, e.said, e.attempts"""
_DONE = "DELETE FROM auth.errand WHERE id = %s"
_FAILED = f"""
    UPDATE auth.errand SET error = %s, due_at = clock_timestamp() + {_PAUSE},
    dead_at = CASE WHEN attempts >= %s THEN clock_timestamp() END
    WHERE id = %s AND attempts = %s"""  # noqa: S608  all of it is written here


@dataclass(frozen=True, slots=True)
class Errand:
    """One that is ours for a while. `said`: None if nobody can read it any more."""

    id: UUID
    kind: str
    said: Mapping[str, Any] | None
    attempts: int


class Errands:
    """application.errands.Errands, and what whoever carries them out needs."""

    def __init__(self, rows: RowPool, seals: RowEncryption, *, attempts: int = ATTEMPTS) -> None:
        self.asked = asyncio.Event()
        self._rows = rows
        self._seals = seals
        self._attempts = attempts

    async def ask(self, kind: str, said: Mapping[str, Any], *, after: timedelta = timedelta()) -> None:
        """See the port."""
        id = new_id()
        await self._rows.all(_ASK, [id, kind, await self._seals.encrypt(KEY, dict(said), id.bytes), after])
        self.asked.set()

    async def take(self, limit: int) -> Sequence[Errand]:
        """Those that are due, for a minute: then they are anybody's again."""
        found = await self._rows.all(_TAKE, [limit, LEASE])
        return [
            Errand(id, kind, await self._seals.decrypt(KEY, bytes(said), id.bytes), attempts)
            for id, kind, said, attempts in found
        ]

    async def done(self, errand: Errand) -> None:
        """Nothing is left of it."""
        await self._rows.all(_DONE, [errand.id])

    async def failed(self, errand: Errand, error: str) -> None:
        """Later again, after the last time never. `error` holds nothing personal."""
        await self._rows.all(_FAILED, [error, self._attempts, errand.id, errand.attempts])
