"""Enqueues jobs that no event makes, in the transaction of the rows that need them."""

from collections.abc import Callable

from application.jobs.job import JobRequest
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.payload import seal_payload
from infrastructure.privacy.row_encryption import RowEncryption

_ENQUEUE = """
    INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, enqueued, payload, correlation)
    VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp(), true, %s, %s)
    ON CONFLICT (key) DO NOTHING"""


class JobEnqueuer:
    """Inserts jobs into `work.job`; one whose key is there already stays as it is.

    `on_enqueued`: called after the commit of a job.
    """

    def __init__(self, rows: RowPool, seals: RowEncryption, on_enqueued: Callable[[], None] = lambda: None) -> None:
        self._rows = rows
        self._seals = seals
        self._on_enqueued = on_enqueued

    async def enqueue(self, request: JobRequest, correlation: str = "") -> None:
        sealed = await seal_payload(self._seals, request)
        subject = request.subject or request.key
        await self._rows.all(_ENQUEUE, [request.key, request.kind, subject, request.slot, sealed, correlation])
        self._rows.after_commit(self._on_enqueued)
