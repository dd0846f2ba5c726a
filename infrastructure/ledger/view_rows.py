"""The chain of the views log."""

from psycopg import AsyncConnection

from infrastructure.ledger.row_chain import RowChain

_CHAIN = RowChain(
    "views log",
    "view seal",
    """
    SELECT id, digest, at, uuid_send(viewer), uuid_send(person), convert_to(operation, 'UTF8'),
           convert_to(facts::text, 'UTF8')
    FROM audit.view WHERE id > %s ORDER BY id""",
    "SELECT upto, since, at, hash FROM audit.view_seal WHERE upto > %s ORDER BY upto",
    b"daybook views 1",
)


async def verify_views_log(connection: AsyncConnection) -> int:
    """Recompute all digests and seals, in the caller's transaction; the number of rows. Raises Broken."""
    return await _CHAIN.verify(connection)
