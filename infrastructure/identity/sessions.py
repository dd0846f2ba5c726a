"""Sessions: families of refresh tokens, each exchanged once for the next; and browsers, which have a secret instead."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection

from application.identity.browser_sessions import AT_MOST as BROWSER_AT_MOST
from application.identity.browser_sessions import IDLE
from application.identity.security_log import SecurityLog
from application.identity.sessions import Session
from domain.errors import Unauthenticated
from domain.kernel import new_id
from infrastructure.database.row_pool import Row, RowPool, rows
from infrastructure.identity.opaque_secrets import hashed, new_secret
from infrastructure.privacy.row_encryption import RowEncryption

UNUSED, AT_MOST = "30 days", "90 days"
GRACE = "10 seconds"
"""The time for which a used token is answered again, with the same successor: its response may have been lost."""

_COLUMNS = "id, account_id, created_at, used_at, expires_at, client"
# The share lock orders this against a change of the password: a change before makes this find no row, one after
# ends this session.
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
    RETURNING s.id, s.account_id"""
# The use of the successor ends the grace of the token before it.
_FOLLOW = """
    UPDATE auth.refresh_token SET successor = CASE WHEN hash = %s THEN %s::bytea END
    WHERE session_id = %s AND (hash = %s OR successor IS NOT NULL)"""
_USED = f"""
    SELECT s.id, s.account_id,
           CASE WHEN t.used_at > clock_timestamp() - interval '{GRACE}' THEN t.successor END
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
# Sessions that ended long ago. A token of one cannot be valid any more.
_SWEEP = """
    DELETE FROM auth.session
    WHERE account_id = %s AND least(ended_at, expires_at) < now() - interval '1 day'"""
_DROP_USED = f"""
    DELETE FROM auth.refresh_token
    WHERE session_id = %s AND used_at < now() - interval '{UNUSED}'"""  # noqa: S608


_IDLE, _AT_MOST = f"interval '{IDLE.total_seconds():.0f} s'", f"interval '{BROWSER_AT_MOST.total_seconds():.0f} s'"
# The share lock orders this against a change of the password, as with other sessions.
_OPEN_BROWSER = f"""
    INSERT INTO auth.session (id, account_id, client, created_at, used_at, expires_at, browser)
    SELECT %s, account_id, %s, now(), now(), now() + {_IDLE}, %s
    FROM auth.credential WHERE account_id = %s AND password = %s FOR SHARE
    RETURNING {_COLUMNS}"""  # noqa: S608  all of it is written here
_FIND_BROWSER = f"""
    SELECT {_COLUMNS}, used_at < now() - interval '1 minute' FROM auth.session
    WHERE browser = %s AND ended_at IS NULL AND expires_at > now()"""  # noqa: S608
# Once a minute: a page is no reason to write a row.
_RENEW_BROWSER = f"""
    UPDATE auth.session SET used_at = now(), expires_at = least(now() + {_IDLE}, created_at + {_AT_MOST})
    WHERE id = %s AND ended_at IS NULL RETURNING 1"""  # noqa: S608


class Sessions:
    """The table `auth.session`."""

    def __init__(self, pool: RowPool, encryption: RowEncryption, security: SecurityLog) -> None:
        self._pool = pool
        self._encryption = encryption
        self._security = security

    async def open(self, account_id: UUID, client: str, *, proven: str) -> tuple[Session, str]:
        id = new_id()
        encrypted = await self._encryption.encrypt(account_id, client, _place(id))
        async with self._pool.transaction() as connection:
            found = await rows(connection, _OPEN, [id, encrypted, account_id, proven])
            if not found:
                raise Unauthenticated("The password was changed just now.")
            token = await _issue(connection, id)
            await rows(connection, _SWEEP, [account_id])
        return await self._session(found[0]), token

    async def refresh(self, token: str, *, network: str = "") -> tuple[Session, str]:
        reused = None
        async with self._pool.transaction() as connection:
            exchanged = await rows(connection, _EXCHANGE, [hashed(token)])
            used = [] if exchanged else await rows(connection, _USED, [hashed(token)])
            following = None
            if exchanged:
                following = await self._follow(connection, token, *exchanged[0])
            elif used and used[0][2] is not None:
                following = await self._encryption.decrypt(used[0][1], used[0][2], _successor(token))
            elif used:
                reused = used[0]
                await rows(connection, _END, ["reuse", reused[1], reused[0], reused[0], None])
            if following is not None:
                renewed = await rows(connection, _RENEW, [(exchanged or used)[0][0]])
                if renewed:
                    return await self._session(renewed[0]), str(following)
        if reused is not None:
            await self._security.note("refresh_reused", reused[1], network=network, session=str(reused[0]))
        raise Unauthenticated("The refresh token is not valid or has expired. Sign in again.")

    async def _follow(self, connection: AsyncConnection, token: str, session_id: UUID, account_id: UUID) -> str:
        """Issue the successor of a token, and keep it, encrypted, for as long as the token may come again."""
        following = await _issue(connection, session_id)
        encrypted = await self._encryption.encrypt(account_id, following, _successor(token))
        await rows(connection, _FOLLOW, [hashed(token), encrypted, session_id, hashed(token)])
        await rows(connection, _DROP_USED, [session_id])
        return following

    async def of(self, account_id: UUID) -> Sequence[Session]:
        return [await self._session(row) for row in await self._pool.all(_OF, [account_id])]

    async def end(self, account_id: UUID, session_id: UUID | None = None, *, keep: UUID | None = None) -> int:
        return len(await self._pool.all(_END, ["account", account_id, session_id, session_id, keep]))

    async def _session(self, row: Row) -> Session:
        return await _session(row, self._encryption)


class BrowserSessions:
    """The rows of `auth.session` that have a `browser`."""

    def __init__(self, pool: RowPool, encryption: RowEncryption) -> None:
        self._pool = pool
        self._encryption = encryption

    async def open(self, account_id: UUID, client: str, *, proven: str) -> tuple[Session, str]:
        id, secret = new_id(), new_secret()
        encrypted = await self._encryption.encrypt(account_id, client, _place(id))
        async with self._pool.transaction() as connection:
            found = await rows(connection, _OPEN_BROWSER, [id, encrypted, hashed(secret), account_id, proven])
            if not found:
                raise Unauthenticated("The password was changed just now.")
            await rows(connection, _SWEEP, [account_id])
        return await self._session(found[0]), secret

    async def find(self, secret: str, *, renews: bool = True) -> Session | None:
        found = await self._pool.all(_FIND_BROWSER, [hashed(secret)])
        if not found:
            return None
        *row, due = found[0]
        if due and renews and not await self._pool.all(_RENEW_BROWSER, [row[0]]):
            return None
        return await self._session(tuple(row))

    async def _session(self, row: Row) -> Session:
        return await _session(row, self._encryption)


async def _session(row: Row, encryption: RowEncryption) -> Session:
    """The session of a row of _COLUMNS."""
    id, account_id, created_at, used_at, expires_at, client = row
    name = await encryption.decrypt(account_id, client, _place(id))
    return Session(id, account_id, created_at, used_at, expires_at, str(name or ""))


async def _issue(connection: AsyncConnection, session_id: UUID) -> str:
    token = new_secret()
    await rows(connection, _ISSUE, [hashed(token), session_id])
    return token


def _successor(token: str) -> bytes:
    return b"refresh_token.successor:" + hashed(token)


def _place(id: UUID) -> bytes:
    return b"session.client:" + id.bytes
