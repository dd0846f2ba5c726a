"""One-time secrets are bound to the state they were issued under, and addresses to one mailbox."""

from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy import text

from domain.people.account import Account

revision = "0008"
down_revision = "0007"

_BIND = text("""
    UPDATE auth.ticket SET
        credential = coalesce((SELECT version FROM auth.credential WHERE account_id = :account_id), 0),
        streams = ARRAY[CAST(:stream AS uuid)],
        versions = ARRAY[(SELECT coalesce(max(originator_version), 0) FROM log.stored_events
                          WHERE originator_id = :stream)]
    WHERE account_id = :account_id""")


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    connection: Any = op.get_bind()
    # Tickets of release 0.1.0 are bound to the present state.
    for (account_id,) in connection.execute(text("SELECT DISTINCT account_id FROM auth.ticket")).all():
        connection.execute(_BIND, {"stream": Account.id_of(account_id), "account_id": account_id})


def downgrade() -> None:
    raise NotImplementedError("release 0.1.0 does not check what a one-time secret is bound to")
