"""Token revocation: every process learns within a second which tokens are revoked, or refuses all tokens."""

import asyncio
from datetime import datetime, timedelta
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from application.event_log import Unavailable
from infrastructure.database.timeouts import severed_after
from projections.engine.cancellation import check_cancelled
from projections.engine.elapsed import elapsed

EACH = 0.4  # seconds between refreshes
PATIENCE = 2.0  # seconds for one refresh
SILENCE = 5.0  # seconds without a refresh after which all tokens are refused
PAUSE = 0.2  # seconds between attempts to connect
MINUTES = 11  # longer than any token lives
LASTING = f"{MINUTES} minutes"

# One snapshot: the log's head and the time; events that revoke tokens (the predicate is exactly that of the index
# `stored_events_standing`), whose time may be ahead of the clock; sessions that ended. The end of a session has the
# time of its statement, and its COMMIT may wait for long; so a refresh finds the ends of all transactions that were
# not over at the refresh before it, whatever their time.
_REVOKED = f"""
    SELECT NULL::uuid, (SELECT coalesce(max(upto), 0) FROM log.seal), now(),
           pg_snapshot_xmin(pg_current_snapshot())::text
    UNION ALL
    SELECT originator_id, notification_id, least(recorded_at, now()), NULL FROM log.stored_events
    WHERE topic IN ('Account.Disabled', 'Account.RoleChanged', 'Account.Forgotten')
      AND notification_id > %(position)s AND recorded_at > now() - interval '{LASTING}'
    UNION ALL
    SELECT id, NULL, ended_at, NULL FROM auth.session
    WHERE ended_at IS NOT NULL AND ended_at > now() - interval '{LASTING}'
      AND (%(since)s::xid8 IS NULL OR age(xmin) <= age(%(since)s::xid8::xid))"""  # noqa: S608  all of it is written here
logger = structlog.get_logger(__name__)


class Revocation(NamedTuple):
    """All tokens of an account from before this position of the log, and its time, are revoked."""

    position: int
    at: datetime


class TokenRevocation:
    """The revoked tokens that a process knows. Follows the database on its own connection, inside `async with`."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._accounts: dict[UUID, Revocation] = {}  # by stream
        self._sessions: dict[UUID, datetime] = {}
        self._position = 0
        self._seen: str | None = None  # all transactions before this one were over at the last refresh
        self._refreshed = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "TokenRevocation":
        connection = await self._connect()
        try:
            await self._refresh(connection, first=True)
        except BaseException:
            await connection.close()
            raise
        self._first = connection
        self._task = asyncio.create_task(self._run(connection), name="token revocation")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._first.close()  # the task may not have started

    def is_revoked(self, account: UUID, session: UUID | None, seen: int | None, issued_at: float) -> bool:
        """Whether a token is revoked. `account`: its stream; `seen`: the position as of which its role was read.

        Raises Unavailable while the revoked tokens are unknown.
        """
        if elapsed() - self._refreshed > SILENCE:
            raise Unavailable("Access tokens cannot be checked now.")
        if session is not None and session in self._sessions:
            return True
        revoked = self._accounts.get(account)
        if revoked is None:
            return False
        return issued_at < revoked.at.timestamp() or (seen is not None and seen < revoked.position)

    async def _run(self, connection: AsyncConnection | None) -> None:
        while True:
            try:
                await self._follow(connection or await self._connect())
            except psycopg.OperationalError as lost:
                check_cancelled()
                logger.warning(
                    "cannot refresh the revoked-token list: all tokens are refused after 5 s without it",
                    outage="postgresql",
                    error=str(lost),
                )
            connection = None
            await asyncio.sleep(PAUSE)

    async def _follow(self, connection: AsyncConnection) -> None:
        async with connection:
            await self._refresh(connection, first=True)  # a restore may have replaced the log
            while True:
                await asyncio.sleep(EACH)
                await self._refresh(connection, first=False)

    async def _connect(self) -> AsyncConnection:
        return await AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="daybook-standing", connect_timeout=2
        )

    async def _refresh(self, connection: AsyncConnection, *, first: bool) -> None:
        started = elapsed()
        since = {"position": -1, "since": None} if first else {"position": self._position, "since": self._seen}
        with severed_after(connection, PATIENCE):
            cursor = await connection.execute(_REVOKED.encode(), since, prepare=True)
            found = await cursor.fetchall()
        for id, position, at, seen in found:
            if id is None:
                self._position, self._seen = position, seen
                self._drop_before(at - timedelta(minutes=MINUTES))
            elif position is None:
                self._sessions[id] = at
            else:
                self._accounts[id] = max(Revocation(position, at), self._accounts.get(id, Revocation(0, at)))
        self._refreshed = started

    def _drop_before(self, past: datetime) -> None:
        """Drop revocations older than any valid token."""
        for stream in [each for each, revoked in self._accounts.items() if revoked.at < past]:
            del self._accounts[stream]
        for session in [each for each, at in self._sessions.items() if at < past]:
            del self._sessions[session]
