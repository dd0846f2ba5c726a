"""The commands that settle an orphan: an appointment that a change of opening hours has left outside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import demand_system
from application.booking.appointment import MarkAppointment, mine
from application.booking.reservation import give_up, places_of
from application.catalog.membership import organization_of
from application.event_log import Command, EventLog, EventReader, command
from application.query import Lookup, query
from application.scheduling.hours_change import OrphanHandling
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from domain.booking.orphan import OrphanChoice
from domain.catalog.provider import Provider
from domain.kernel import Aggregate
from domain.people.customer import Customer
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class CheckAppointment(Command):
    """`orphans`: the choice for an appointment that a change has left outside; None for one that was outside before.

    `on_behalf`: the account that changed the hours.
    """

    appointment_id: UUID
    on_behalf: UUID
    orphans: OrphanHandling | None


@command
async def check_appointment(cmd: CheckAppointment, log: EventLog, now: datetime) -> Appointment:
    """Apply the choice if the appointment lies outside the hours; if it lies within them, it is no orphan any more."""
    demand_system(cmd.by)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    provider = await log.load(Provider, appointment.provider_id)
    hours = await hours_of_provider(provider, log)
    freed: Sequence[Aggregate] = ()
    if appointment.may_be_orphan(now):
        if not appointment.lies_outside(hours):
            appointment.clear_orphan(cmd.on_behalf, now)
        elif cmd.orphans is not None:
            freed = await _settle(appointment, cmd.orphans, cmd.on_behalf, log, now)
    await log.record(appointment, *freed)
    return appointment


async def _settle(
    appointment: Appointment, orphans: OrphanHandling, by: UUID, log: EventLog, now: datetime
) -> Sequence[Aggregate]:
    """Apply the choice. Returns the Days whose time is free again."""
    if orphans.choice is not OrphanChoice.CANCEL:
        appointment.orphan(by, orphans.choice, now)
        if orphans.choice is OrphanChoice.KEEP:
            appointment.keep(by, now)
        return ()
    await log.find(Customer, appointment.customer_id)  # fails the attempt if the customer is erased meanwhile
    before = places_of(appointment)
    appointment.cancel(by, Reason(orphans.reason, orphans.reason_code), Party.STAFF, now)
    return await give_up(before, appointment, log, now)


@command
async def keep_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Keep an appointment that lies outside the opening hours."""
    appointment, _ = await mine(cmd, "keep_appointment", log)
    appointment.keep(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def ask_to_rebook(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Ask the customer to choose another time, at no cost and whatever the policy says."""
    appointment, _ = await mine(cmd, "ask_to_rebook", log)
    appointment.ask_to_rebook(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@dataclass(frozen=True, kw_only=True)
class GetOpeningHours(Lookup):
    """Asked by Daybook itself."""

    provider_id: UUID


@query
async def get_opening_hours(asked: GetOpeningHours, log: EventReader, _: datetime) -> OpeningHours:
    """The opening rules of a provider; raises NotFound."""
    return await hours_of_provider(await log.load(Provider, asked.provider_id), log)


async def hours_of_provider(provider: Provider, log: EventReader) -> OpeningHours:
    """The opening rules: the schedule's hours, except on the holidays of the organization. Paused or not."""
    schedule = await log.load(Schedule, Schedule.id_of(provider.id))
    organization = await organization_of(provider, log)
    return schedule.hours() if organization is None else schedule.hours().less(organization.closed_dates())
