"""Keeps everybody from reading the appointments of analysts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from projections.engine.schema import generation_schema
from tests.conftest import Database


@asynccontextmanager
async def locked(database: Database) -> AsyncIterator[AsyncConnection]:
    """Questions about appointments wait meanwhile, or until the connection rolls back."""
    async with await AsyncConnection.connect(database.owner) as connection:
        live = await (await connection.execute("SELECT generation FROM read.live")).fetchone()
        assert live is not None
        table = f"{generation_schema(live[0])}.fact_appointment"
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield connection
        await connection.rollback()
