"""Who is signed in: families of refresh tokens, each exchanged once for the next."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection

from application.ports import RowEncryption, SecurityLog, Session
from domain.errors import Unauthenticated
from domain.kernel import new_id
from infrastructure.database.row_pool import Row, RowPool, rows
from infrastructure.identity.opaque_secrets import hashed, new_secret

UNUSED, AT_MOST = "30 days", "90 days"
GRACE = "10 seconds"
"""Within it, a token that was used is taken again: its answer may have been lost."""

_COLUMNS = "id, account_id, created_at, used_at, expires_at, client"
# The share lock: who changes the password comes before, and this finds nothing, or after, and ends this one.
_OPEN = f"""
    INSERT INTO auth.session (id, account_id, client, created_at, used_at, expires_at)
    SELECT %s, account_id, %s, now(), now(), now() + interval '{UNUSED}'
    FROM auth.credential WHERE account_id = %s AND password = %s FOR SHARE
    RETURNING {_COLUMNS}"""  # noqa: S608  all of it is written here
_ISSUE = "INSERT INTO auth.refresh_token (hash, session_id, issued_at) VALUES (%s, %s, clock_timestamp())"
_EXCHANGE = """
    UPDATE auth.refresh_token t SET used_at = clock_timestamp() FROM auth.session s
    WHERE t.hash = %s AND t.used_at IS NULL
      AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    RETURNING s.id"""
_USED = f"""
    SELECT s.id, s.account_id, t.used_at > clock_timestamp() - interval '{GRACE}'
    FROM auth.refresh_token t JOIN auth.session s ON s.id = t.session_id
    WHERE t.hash = %s AND t.used_at IS NOT NULL AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    """  # noqa: S608
_RENEW = f"""
    UPDATE auth.session
    SET used_at = now(), expires_at = least(now() + interval '{UNUSED}', created_at + interval '{AT_MOST}')
    WHERE id = %s AND ended_at IS NULL RETURNING {_COLUMNS}"""  # noqa: S608
_OF = f"""
    SELECT {_COLUMNS} FROM auth.session
    WHERE account_id = %s AND ended_at IS NULL AND expires_at > now() ORDER BY id"""  # noqa: S608
_END = """
    UPDATE auth.session SET ended_at = clock_timestamp(), ended_by = %s
    WHERE account_id = %s AND (%s::uuid IS NULL OR id = %s) AND id IS DISTINCT FROM %s
      AND ended_at IS NULL AND expires_at > now() RETURNING 1"""
# What is long over. A token that old is as if it never was: its session can't be alive.
_SWEEP = """
    DELETE FROM auth.session
    WHERE account_id = %s AND least(ended_at, expires_at) < now() - interval '1 day'"""
_FORGET_USED = f"""
    DELETE FROM auth.refresh_token
    WHERE session_id = %s AND used_at < now() - interval '{UNUSED}'"""  # noqa: S608


class Sessions:
    """application.ports.Sessions."""

    def __init__(self, pool: RowPool, seals: RowEncryption, security: SecurityLog) -> None:
        self._pool = pool
        self._seals = seals
        self._security = security

    async def open(self, account_id: UUID, client: str, *, proven: str) -> tuple[Session, str]:
        """See the port."""
        id = new_id()
        sealed = await self._seals.seal(account_id, client, _place(id))
        async with self._pool.transaction() as connection:
            found = await rows(connection, _OPEN, [id, sealed, account_id, proven])
            if not found:
                raise Unauthenticated("The password was changed just now.")
            token = await _issue(connection, id)
            await rows(connection, _SWEEP, [account_id])
        return await self._session(found[0]), token

    async def refresh(self, token: str, *, network: str = "") -> tuple[Session, str]:
        """See the port."""
        stolen = None
        async with self._pool.transaction() as connection:
            exchanged = await rows(connection, _EXCHANGE, [hashed(token)])
            used = [] if exchanged else await rows(connection, _USED, [hashed(token)])
            if used and not used[0][2]:
                stolen = used[0]
                await rows(connection, _END, ["reuse", stolen[1], stolen[0], stolen[0], None])
            elif exchanged or used:
                (id, *_) = (exchanged or used)[0]
                renewed = await rows(connection, _RENEW, [id])
                if renewed:
                    following = await _issue(connection, id)
                    await rows(connection, _FORGET_USED, [id])
                    return await self._session(renewed[0]), following
        if stolen is not None:
            await self._security.note("refresh_reused", stolen[1], network=network, session=str(stolen[0]))
        raise Unauthenticated("The refresh token is not valid, or no longer.")

    async def of(self, account_id: UUID) -> Sequence[Session]:
        """See the port."""
        return [await self._session(row) for row in await self._pool.all(_OF, [account_id])]

    async def end(self, account_id: UUID, session_id: UUID | None = None, *, keep: UUID | None = None) -> int:
        """See the port."""
        return len(await self._pool.all(_END, ["account", account_id, session_id, session_id, keep]))

    async def _session(self, row: Row) -> Session:
        id, account_id, created_at, used_at, expires_at, client = row
        opened = await self._seals.unseal(account_id, client, _place(id))
        return Session(id, account_id, created_at, used_at, expires_at, str(opened or ""))


async def _issue(connection: AsyncConnection, session_id: UUID) -> str:
    token = new_secret()
    await rows(connection, _ISSUE, [hashed(token), session_id])
    return token


def _place(id: UUID) -> bytes:
    return b"session.client:" + id.bytes
