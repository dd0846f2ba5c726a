"""Upcoming appointments move along when their provider changes organization, if the caller chose that."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from application.access import SYSTEM, demand_system
from application.current_state import GetCurrentState, get_current_state
from application.ending import EndingKind, EndingServices
from application.event_log import Command, EventLog, command
from application.jobs.job import Job, JobHandlers, JobLease
from domain.booking.appointment import Appointment
from domain.catalog.provider import Provider
from domain.errors import Refusal


@dataclass(frozen=True, kw_only=True)
class TransferAppointment(Command):
    """`organization_id`: of the provider now; None for none."""

    appointment_id: UUID
    organization_id: UUID | None


@command
async def transfer_appointment(cmd: TransferAppointment, log: EventLog, now: datetime) -> Appointment:
    """Give the record of an appointment to another organization."""
    demand_system(cmd.by)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    appointment.transfer(cmd.by.account, cmd.organization_id, now)
    await log.record(appointment)
    return appointment


def transfer_handlers(services: EndingServices) -> JobHandlers:
    """The handler of the job that transfers upcoming appointments."""
    return {"transfer_ahead": partial(transfer_ahead, services=services)}


async def transfer_ahead(job: Job, lease: JobLease, services: EndingServices) -> str:
    """Transfer each upcoming appointment of a provider to the organization that the provider has now."""
    store, ahead = services.store, services.ahead
    found = await get_current_state(GetCurrentState(by=SYSTEM, kind=Provider, id=job.subject), store)
    assert isinstance(found.aggregate, Provider)
    id = found.aggregate.profile.get("organization_id")
    there = None if id is None else UUID(id)
    for appointment_id in await ahead.of(EndingKind.PROVIDER, job.subject, store.now(), found.position):
        await lease.hold()
        move = TransferAppointment(by=SYSTEM, appointment_id=appointment_id, organization_id=there, **job.trace)
        try:
            await transfer_appointment(move, store)
        except Refusal:
            continue  # it has ended meanwhile
    return "done"
