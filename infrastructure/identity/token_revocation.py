"""Whose tokens are void before their time? Known in every process within a second, or no token counts."""

import asyncio
import logging
import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from application.event_log import Unavailable
from infrastructure.database.timeouts import severed_after

EACH = 0.4  # seconds between looks
PATIENCE = 2.0  # seconds for one look
SILENCE = 5.0  # seconds without a look after which no token counts
PAUSE = 0.2  # seconds between attempts to connect
MINUTES = 11  # longer than any token lives
LASTING = f"{MINUTES} minutes"
OVERLAP = "10 seconds"  # an end may be committed later than its own time

# One snapshot: the log's head and the time; events that void (the predicate is that of the index
# `stored_events_standing`, to the letter); sessions ended lately.
_LOOK = f"""
    SELECT NULL::uuid, (SELECT coalesce(max(upto), 0) FROM log.seal), now()
    UNION ALL
    SELECT originator_id, notification_id, recorded_at FROM log.stored_events
    WHERE topic IN ('Account.Disabled', 'Account.RoleChanged', 'Account.Forgotten')
      AND notification_id > %s AND recorded_at > now() - interval '{LASTING}'
    UNION ALL
    SELECT id, NULL, ended_at FROM auth.session
    WHERE ended_at IS NOT NULL AND ended_at > now() - %s::interval"""  # noqa: S608  all of it is written here
log = logging.getLogger(__name__)


class Revocation(NamedTuple):
    """From when on an account's earlier tokens are void: a position of the log, and its time."""

    position: int
    at: datetime


class TokenRevocation:
    """What a process knows of it. Follows the database on a connection of its own, from `async with` on."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._accounts: dict[UUID, Revocation] = {}  # by stream
        self._sessions: dict[UUID, datetime] = {}
        self._position = 0
        self._heard = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "TokenRevocation":
        connection = await self._connect()
        try:
            await self._look(connection, first=True)
        except BaseException:
            await connection.close()
            raise
        self._first = connection
        self._task = asyncio.create_task(self._run(connection), name="standing")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._first.close()  # it may not have come to that

    def is_void(self, account: UUID, session: UUID | None, seen: int | None, issued_at: float) -> bool:
        """Whether a token is. `account`: its stream; `seen`: the position as of which its role was true.

        Raises Unavailable if that can't be known now.
        """
        if time.monotonic() - self._heard > SILENCE:
            raise Unavailable("Nobody can say now whether this token still counts.")
        if session is not None and session in self._sessions:
            return True
        void = self._accounts.get(account)
        if void is None:
            return False
        return issued_at < void.at.timestamp() or (seen is not None and seen < void.position)

    async def _run(self, connection: AsyncConnection | None) -> None:
        while True:
            try:
                await self._follow(connection or await self._connect())
            except psycopg.OperationalError as lost:
                log.warning("whose tokens are void is not known now: %s", lost)
            connection = None
            await asyncio.sleep(PAUSE)

    async def _follow(self, connection: AsyncConnection) -> None:
        async with connection:
            await self._look(connection, first=True)  # the log may be another: after a restore
            while True:
                await asyncio.sleep(EACH)
                await self._look(connection, first=False)

    async def _connect(self) -> AsyncConnection:
        return await AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="daybook-standing", connect_timeout=2
        )

    async def _look(self, connection: AsyncConnection, *, first: bool) -> None:
        asked = time.monotonic()
        since = (-1, LASTING) if first else (self._position, OVERLAP)
        with severed_after(connection, PATIENCE):
            cursor = await connection.execute(_LOOK.encode(), since, prepare=True)
            found = await cursor.fetchall()
        for id, position, at in found:
            if id is None:
                self._position = position
                self._drop_before(at - timedelta(minutes=MINUTES))
            elif position is None:
                self._sessions[id] = at
            else:
                self._accounts[id] = max(Revocation(position, at), self._accounts.get(id, Revocation(0, at)))
        self._heard = asked

    def _drop_before(self, past: datetime) -> None:
        """Tokens from before have run out by themselves."""
        for stream in [each for each, void in self._accounts.items() if void.at < past]:
            del self._accounts[stream]
        for session in [each for each, at in self._sessions.items() if at < past]:
            del self._sessions[session]
