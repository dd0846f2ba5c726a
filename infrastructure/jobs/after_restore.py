"""After a restore: the mails that may have been sent before, and are not recorded as sent, are not sent again."""

from collections.abc import Mapping

from application.jobs.dispatch import MAILED
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.outcomes import ENDED, NOTE_JOBS

RESTORED = "restored"
"""The outcome of a mail that was due before the restore."""

_DROP = f"""
    WITH ended AS (
        UPDATE work.job w SET done_at = clock_timestamp(), outcome = %s, payload = NULL,
            lease = NULL, leased_until = NULL
        WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp() AND kind = ANY(%s)
        RETURNING {ENDED}, outcome),
    noted AS ({NOTE_JOBS})
    SELECT kind, count(*) FROM ended GROUP BY kind ORDER BY kind"""  # noqa: S608  all of it is written here
# The agenda is one job for each account, which lasts.
_TOMORROW = """
    UPDATE work.job
    SET due_at = due_at + ceil(extract(epoch FROM clock_timestamp() - due_at) / 86400) * interval '1 day'
    WHERE kind = 'agenda' AND done_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()"""


async def drop_due_mails(rows: RowPool) -> Mapping[str, int]:
    """Record every mail that is due by now as not sent. Returns how many, by kind.

    The read models must be up to date, and no worker may run. A mail that is due later was not sent before either.
    """
    async with rows.transaction():
        enrolment = Enrolment(rows)
        await enrolment.silence()
        await enrolment.enrol()
        await rows.all(_TOMORROW)
        return dict(await rows.all(_DROP, [RESTORED, sorted(MAILED)]))
