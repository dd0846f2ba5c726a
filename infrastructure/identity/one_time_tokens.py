"""One-time tokens, sent by mail: stored as hashes, used once, valid for a short time."""

from datetime import timedelta
from uuid import UUID

from application.identity.one_time_tokens import TicketVoid
from domain.people.account import Account
from infrastructure.database.row_pool import RowPool, rows
from infrastructure.identity.opaque_secrets import hashed, new_secret
from infrastructure.identity.secret_binding import RECORDED, VERSION, void

_ISSUE = f"""
    INSERT INTO auth.ticket (hash, account_id, purpose, issued_at, expires_at, credential, streams, versions)
    VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp() + %s, {VERSION}, %s, {RECORDED})"""  # noqa: S608
_GOOD = f"""
    t.hash = %s AND t.purpose = %s AND t.used_at IS NULL AND t.expires_at > clock_timestamp() AND NOT {void("t")}"""
_LOOK = f"SELECT t.account_id FROM auth.ticket t WHERE {_GOOD}"  # noqa: S608  all of it is written here
_REDEEM = f"""
    UPDATE auth.ticket t SET used_at = clock_timestamp() WHERE {_GOOD} RETURNING t.account_id"""  # noqa: S608
_SWEEP = "DELETE FROM auth.ticket WHERE account_id = %s AND (used_at IS NOT NULL OR expires_at < now())"
_DROP = "DELETE FROM auth.ticket WHERE account_id = %s"


class OneTimeTokens:
    """The table `auth.ticket`."""

    def __init__(self, pool: RowPool) -> None:
        self._pool = pool

    async def issue(self, account_id: UUID, purpose: str, lifetime: timedelta) -> str:
        token, streams = new_secret(), [Account.id_of(account_id)]
        values = [hashed(token), account_id, purpose, lifetime, account_id, streams, streams]
        async with self._pool.transaction() as connection:
            await rows(connection, _SWEEP, [account_id])
            await rows(connection, _ISSUE, values)
        return token

    async def look(self, token: str, purpose: str) -> UUID:
        return await self._account(_LOOK, token, purpose)

    async def redeem(self, token: str, purpose: str) -> UUID:
        """One statement: of two requests at once, only one finds the token unused."""
        return await self._account(_REDEEM, token, purpose)

    async def drop(self, account_id: UUID) -> None:
        await self._pool.all(_DROP, [account_id])

    async def _account(self, statement: str, token: str, purpose: str) -> UUID:
        found = await self._pool.one(statement, [hashed(token), purpose])
        if found is None:
            raise TicketVoid
        account_id: UUID = found[0]
        return account_id
