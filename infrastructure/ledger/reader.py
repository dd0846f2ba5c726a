"""The ledger for requests over HTTP: its own connections, one verification at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from uuid import UUID

from psycopg import AsyncConnection

from application.event_log import Unavailable
from application.ledger import ConsistencyProof, InclusionProof
from infrastructure.event_log.postgres_journal import APPLICATION_NAME
from infrastructure.ledger.proofs import consistency, inclusion
from infrastructure.ledger.verification import LogHead, VerificationResult, head_of, verify

MOST = 200_000
"""Digests that a proof reads, as much as a verification, where the projection is far behind."""


class LedgerReader:
    """The ledger of a database. `dsn`: of a role that may read the log; `patience`: seconds."""

    def __init__(self, dsn: str, patience: float = 5.0) -> None:
        self._dsn = dsn
        self._patience = patience
        self._turn = asyncio.Lock()

    async def head(self) -> LogHead:
        """The last seal of the log; raises psycopg.OperationalError."""
        async with self._connected() as connection:
            return await head_of(connection)

    async def verify(self, first: int, last: int | None) -> VerificationResult:
        """As `verification.verify`; raises Unavailable while another verification runs, psycopg.OperationalError."""
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("Another verification of the ledger is running.") from None
        try:
            async with self._connected() as connection:
                return await verify(connection, first, last, security=False)
        finally:
            self._turn.release()

    async def inclusion(self, event: int | UUID, version: int | None, upto: int | None) -> InclusionProof:
        """As `proofs.inclusion`; raises Unavailable too, and psycopg.OperationalError."""
        async with self._connected() as connection:
            return await inclusion(connection, event, version, upto, most=MOST)

    async def consistency(self, first: int, second: int | None) -> ConsistencyProof:
        """As `proofs.consistency`; raises Unavailable too, and psycopg.OperationalError."""
        async with self._connected() as connection:
            return await consistency(connection, first, second, most=MOST)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        async with connected(self._dsn, self._patience) as connection:
            yield connection


@asynccontextmanager
async def connected(dsn: str, patience: float) -> AsyncIterator[AsyncConnection]:
    """A connection that the database can't tell from those by which the application reads the log."""
    async with await AsyncConnection.connect(
        dsn, autocommit=True, application_name=APPLICATION_NAME, connect_timeout=max(2, ceil(patience))
    ) as connection:
        yield connection
