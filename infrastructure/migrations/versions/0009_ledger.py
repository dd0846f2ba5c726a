"""The ledger: seals cover command keys, the security log is sealed, and the append answers two times."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("release 0.1.0 can't verify what this one has sealed")
