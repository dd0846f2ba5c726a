"""Wrapped keys of persons on PostgreSQL. The append deletes a key in the transaction that records the erasure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from application.event_log import Unavailable
from infrastructure.database.timeouts import severed_after
from infrastructure.privacy.master_keys import WrappedKey

_GET = "SELECT subject, key, master FROM keyring.person WHERE subject = ANY(%b::uuid[])"
_ADD = """
    INSERT INTO keyring.person (subject, key, master)
    SELECT * FROM unnest(%b::uuid[], %b::bytea[], %b::text[])
    ON CONFLICT DO NOTHING RETURNING subject"""
_OTHER_MASTER = """
    SELECT subject, key, master FROM keyring.person WHERE master <> %b LIMIT %b FOR UPDATE SKIP LOCKED"""
_REWRAP = """
    UPDATE keyring.person p SET key = v.key, master = v.master
    FROM unnest(%b::uuid[], %b::bytea[], %b::text[]) v (subject, key, master) WHERE p.subject = v.subject"""


class PersonKeys:
    """The table `keyring.person`. `patience`: seconds until Unavailable."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], patience: float) -> None:
        self._pool = pool
        self._patience = patience

    async def get(self, subjects: Collection[UUID]) -> Mapping[UUID, WrappedKey]:
        async with self._connected() as connection:
            cursor = await connection.execute(_GET, [list(subjects)], binary=True)
            return {subject: WrappedKey(key, master) async for subject, key, master in cursor}

    async def add(self, keys: Mapping[UUID, WrappedKey]) -> Collection[UUID]:
        ordered = dict(sorted(keys.items()))  # so that two statements with the same persons do not wait for each other
        async with self._connected() as connection:
            cursor = await connection.execute(_ADD, _columns(ordered), binary=True)
            return [subject async for (subject,) in cursor]

    async def rewrap(self, current: str, wrap: Callable[[UUID, WrappedKey], WrappedKey], most: int) -> int:
        async with self._connected() as connection, connection.transaction():
            cursor = await connection.execute(_OTHER_MASTER, [current, most], binary=True)
            rows = await cursor.fetchall()
            again = {subject: wrap(subject, WrappedKey(key, master)) for subject, key, master in rows}
            await connection.execute(_REWRAP, _columns(again))
            return len(again)

    async def count(self, current: str) -> int:
        async with self._connected() as connection:
            cursor = await connection.execute("SELECT count(*) FROM keyring.person WHERE master <> %s", [current])
            row = await cursor.fetchone()
            return int(row[0]) if row else 0

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._pool.connection(self._patience) as connection:
                with severed_after(connection, self._patience):
                    yield connection
        except (PoolTimeout, psycopg.OperationalError) as gone:
            raise Unavailable("The database does not answer.") from gone


def _columns(keys: Mapping[UUID, WrappedKey]) -> list[list[object]]:
    return [list(keys), [key for key, _ in keys.values()], [master for _, master in keys.values()]]
