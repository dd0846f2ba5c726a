"""The job that cancels the upcoming appointments of what has ended, beside the one that transfers them."""

from functools import partial
from uuid import UUID

from application.access import SYSTEM
from application.booking.appointment import CancelAppointment, cancel_appointment
from application.booking.transfer import transfer_handlers
from application.current_state import GetCurrentState, get_current_state
from application.ending import EndingKind, EndingServices
from application.jobs.job import Job, JobHandlers, JobLease
from domain.booking.origin import Party
from domain.errors import Refusal


def ending_handlers(services: EndingServices) -> JobHandlers:
    """The handlers of the jobs that cancel upcoming appointments, or transfer them."""
    return {"cancel_ahead": partial(cancel_ahead, services=services), **transfer_handlers(services)}


async def cancel_ahead(job: Job, lease: JobLease, services: EndingServices) -> str:
    """Cancel each upcoming appointment of what has ended. One that its customer may not cancel any more stays."""
    kind, id, store = EndingKind(job.said["kind"]), UUID(job.said["id"]), services.store
    aggregate, stream = kind.stream(id)
    ended = await get_current_state(GetCurrentState(by=SYSTEM, kind=aggregate, id=stream), store)
    kept = 0
    for appointment_id in await services.ahead.of(kind, id, store.now(), ended.position):
        await lease.hold()
        said = {"reason": job.said["reason"], "party": Party(job.said["party"])}
        try:
            await cancel_appointment(
                CancelAppointment(by=SYSTEM, appointment_id=appointment_id, **said, **job.trace), store
            )
        except Refusal:
            kept += 1
    return "done" if kept == 0 else "partly"
