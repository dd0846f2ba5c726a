"""The chain of the security log."""

from psycopg import AsyncConnection

from infrastructure.ledger.row_chain import RowChain

_CHAIN = RowChain(
    "security log",
    "security seal",
    """
    SELECT id, digest, at, convert_to(kind, 'UTF8'), uuid_send(account_id), network, convert_to(facts::text, 'UTF8')
    FROM auth.security_log WHERE id > %s ORDER BY id""",
    "SELECT upto, since, at, hash FROM auth.security_seal WHERE upto > %s ORDER BY upto",
    b"daybook security 1",
)


async def verify_security_log(connection: AsyncConnection) -> int:
    """Recompute all digests and seals, in the caller's transaction; the number of rows. Raises Broken."""
    return await _CHAIN.verify(connection)
