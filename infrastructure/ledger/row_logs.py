"""The logs of rows beside the events: the security log and the views log."""

from infrastructure.ledger.row_chain import RowChain

SECURITY_LOG = RowChain(
    "security log",
    "security seal",
    """
    SELECT id, digest, at, convert_to(kind, 'UTF8'), uuid_send(account_id), network, convert_to(facts::text, 'UTF8')
    FROM auth.security_log WHERE id > %s ORDER BY id""",
    "SELECT upto, since, at, hash FROM auth.security_seal WHERE upto > %s ORDER BY upto",
    b"daybook security 1",
)
VIEWS_LOG = RowChain(
    "views log",
    "view seal",
    """
    SELECT id, digest, at, uuid_send(viewer), uuid_send(person), convert_to(operation, 'UTF8'),
           convert_to(facts::text, 'UTF8')
    FROM audit.view WHERE id > %s ORDER BY id""",
    "SELECT upto, since, at, hash FROM audit.view_seal WHERE upto > %s ORDER BY upto",
    b"daybook views 1",
)
