"""One job queue: jobs are enqueued with what wants them, and errands become jobs."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("release 0.1.0 knows nothing of jobs that were enqueued")
