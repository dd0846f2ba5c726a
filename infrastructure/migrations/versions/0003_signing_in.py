"""Signing in: credentials, sessions, tickets, API keys, and the security log. Rows, not history."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("the security log is never dropped by a migration")
