"""The verification of the whole ledger, which an admin starts and a worker does, some entries at a time."""

from functools import partial

from application.access import Caller
from application.identity.session import Signing
from application.jobs.job import Job, JobHandlers, JobIdle, JobLease, JobRequest, enqueues
from application.ledger import LedgerVerification, LedgerVerificationRunning, LedgerVerifications
from domain.kernel import new_id


@enqueues("verify_ledger")
async def start_verification(
    by: Caller, network: str, verifications: LedgerVerifications, signing: Signing
) -> LedgerVerification:
    """Start a verification; the security log says who did. Raises LedgerVerificationRunning."""
    id = new_id()
    async with signing.atomically():
        if not await verifications.begin(id, by.account):
            raise await _running(verifications)
        await signing.jobs.enqueue(JobRequest("verify_ledger", subject=id, key=id))
        await signing.security.note("ledger_verification", by.account, network=network, verification=str(id))
    return await _last(verifications)


async def _running(verifications: LedgerVerifications) -> LedgerVerificationRunning:
    """Says which one runs, and how far it is."""
    found = await _last(verifications)
    since = f"{found.started_at:%Y-%m-%d %H:%M} UTC"
    return LedgerVerificationRunning(
        f"A verification has been running since {since}: {found.checked} of {found.total} entries are checked.",
        verification=str(found.id),
    )


async def _last(verifications: LedgerVerifications) -> LedgerVerification:
    found = await verifications.last()
    assert found is not None
    return found


def verification_handlers(verifications: LedgerVerifications) -> JobHandlers:
    """The handler of the job."""
    return {"verify_ledger": partial(verify_ledger, verifications=verifications)}


async def verify_ledger(job: Job, lease: JobLease, verifications: LedgerVerifications) -> str:
    """One step: other jobs of the worker get their turn in between. Raises JobIdle while there is more to verify."""
    await lease.hold()
    outcome = await verifications.advance(job.subject)
    if outcome is None:
        raise JobIdle(job.due_at)  # at once
    return outcome
