"""Secrets sent by mail: kept hashed, used once, for a short time."""

from datetime import timedelta
from uuid import UUID

from application.ports import TicketVoid
from infrastructure.database.row_pool import RowPool, rows
from infrastructure.identity.opaque_secrets import hashed, new_secret

_ISSUE = """
    INSERT INTO auth.ticket (hash, account_id, purpose, issued_at, expires_at)
    VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp() + %s)"""
_GOOD = "hash = %s AND purpose = %s AND used_at IS NULL AND expires_at > clock_timestamp()"
_LOOK = f"SELECT account_id FROM auth.ticket WHERE {_GOOD}"  # noqa: S608  all of it is written here
_REDEEM = f"""
    UPDATE auth.ticket SET used_at = clock_timestamp() WHERE {_GOOD} RETURNING account_id"""  # noqa: S608
_SWEEP = "DELETE FROM auth.ticket WHERE account_id = %s AND (used_at IS NOT NULL OR expires_at < now())"
_DROP = "DELETE FROM auth.ticket WHERE account_id = %s"


class OneTimeTokens:
    """application.ports.Tickets."""

    def __init__(self, pool: RowPool) -> None:
        self._pool = pool

    async def issue(self, account_id: UUID, purpose: str, lifetime: timedelta) -> str:
        """See the port."""
        ticket = new_secret()
        async with self._pool.transaction() as connection:
            await rows(connection, _SWEEP, [account_id])
            await rows(connection, _ISSUE, [hashed(ticket), account_id, purpose, lifetime])
        return ticket

    async def look(self, ticket: str, purpose: str) -> UUID:
        """See the port."""
        return await self._account(_LOOK, ticket, purpose)

    async def redeem(self, ticket: str, purpose: str) -> UUID:
        """See the port. One statement: of two at once, one finds it unused."""
        return await self._account(_REDEEM, ticket, purpose)

    async def drop(self, account_id: UUID) -> None:
        """See the port."""
        await self._pool.all(_DROP, [account_id])

    async def _account(self, statement: str, ticket: str, purpose: str) -> UUID:
        found = await self._pool.one(statement, [hashed(ticket), purpose])
        if found is None:
            raise TicketVoid
        account_id: UUID = found[0]
        return account_id
