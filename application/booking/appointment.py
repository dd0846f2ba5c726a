"""Book, change, reschedule and cancel appointments."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import OPERATOR, SYSTEM, Caller, Role, demand, permit
from application.booking.hold import redeemed
from application.booking.ports import NO_QUERIES, BookingQueries
from application.booking.provider_selection import (
    BookingRequest,
    ProviderSelection,
    RuleOverride,
    select_provider,
    take_start,
)
from application.booking.refusals import OverrideByStaff
from application.booking.reservation import Reservation, ReservationRequest, give_up, places_of, take
from application.catalog.membership import acts, record_staff, staff
from application.customer_record import record_of
from application.event_log import Command, EventLog, command
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.appointment_text import note_of
from domain.booking.origin import Party, ReasonCode
from domain.booking.placement import Move
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import Invalid
from domain.kernel import Aggregate
from domain.people.customer import Customer


@dataclass(frozen=True, kw_only=True)
class BookAppointment(BookingRequest):
    """`hold_id`: a hold of the caller's on the same start. `texts`: more of `appointment_text.DEFAULTS`, by name."""

    note: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Any] = field(default_factory=dict)
    hold_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeAppointment(Command):
    """None leaves a field unchanged. `texts`: those to change besides note and answers, by name."""

    appointment_id: UUID
    note: str | None = None
    answers: Mapping[str, Any] | None = None
    texts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RescheduleAppointment(Command):
    appointment_id: UUID
    start: datetime
    provider_id: UUID | None = None
    override: RuleOverride | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CancelAppointment(Command):
    """`party`: the side for which Daybook itself cancels; None: the caller's."""

    appointment_id: UUID
    reason: str | None = None
    reason_code: ReasonCode | None = None
    party: Party | None = None


@dataclass(frozen=True, kw_only=True)
class MarkAppointment(Command):
    """The command of all handlers that need only the appointment's id, such as check-in."""

    appointment_id: UUID


@command
async def book_appointment(
    cmd: BookAppointment, log: EventLog, now: datetime, queries: BookingQueries = NO_QUERIES
) -> Appointment:
    """Book the start for the customer, with the provider named or the first free one of the service."""
    appointment, others = await booked(cmd, "book_appointment", log, now, queries)
    await log.record(appointment, *others)
    return appointment


async def booked(
    cmd: BookAppointment, operation: str, log: EventLog, now: datetime, queries: BookingQueries
) -> tuple[Appointment, list[Aggregate]]:
    """A new appointment or request, and the aggregates to record with it."""
    hold, quota = await redeemed(cmd.hold_id, cmd, operation, log, now) if cmd.hold_id else (None, None)
    if hold is not None:
        cmd = replace(cmd, provider_id=hold.provider_id)
    choice = await select_provider(cmd, operation, log, now, queries)
    if hold is not None and hold.customer_id != choice.customer_id:
        raise Invalid("The hold is for another customer.", "/customer_id")
    appointment = await _begun(cmd, choice, log, now)
    place = Reservation.of(appointment)
    request = ReservationRequest(place, choice.service, choice.provider, until=appointment.expires_at)
    if hold is not None:
        request = request._replace(instead=Reservation.of(hold), asked_at=hold.created_at)
    days = await take_start(cmd, request, log, now)
    return appointment, [*(each for each in (hold, quota) if each is not None), *days]


async def _begun(cmd: BookAppointment, choice: ProviderSelection, log: EventLog, now: datetime) -> Appointment:
    """The appointment; where the service needs approval and a customer books, the request for one."""
    booking = await choice.booking(cmd, log)
    _check_staff_note(cmd, as_customer=bool(cmd.texts) and not await acts(cmd.by, choice.provider, log))
    note = note_of(choice.customer_id, cmd.note, cmd.answers, **cmd.texts)
    if cmd.by.is_customer and choice.service.term("approval"):
        expires_at = choice.service.lasts("approval_ttl", now)
        return Appointment.request(cmd.id, booking, choice.terms(), note, expires_at, now)
    return Appointment.book(cmd.id, booking, choice.terms(), note, now)


@command
async def change_appointment(cmd: ChangeAppointment, log: EventLog, now: datetime) -> Appointment:
    """Change note, answers and other texts. The staff note is for staff alone."""
    sealed, as_customer = await mine(cmd, "change_appointment", log)
    _check_staff_note(cmd, as_customer=as_customer)
    appointment = await log.unseal(sealed)
    await log.find(Customer, appointment.customer_id)  # fails the attempt if the customer is erased meanwhile
    note = appointment.note if cmd.note is None else cmd.note
    answers = appointment.answers if cmd.answers is None else dict(cmd.answers)
    appointment.annotate(cmd.by.account, note, answers, now, **cmd.texts)
    await log.record(appointment)
    return appointment


def _check_staff_note(cmd: BookAppointment | ChangeAppointment, *, as_customer: bool) -> None:
    if as_customer and "staff_note" in cmd.texts:
        raise Invalid("Only staff may write a staff note.", "/staff_note")


@command
async def reschedule_appointment(cmd: RescheduleAppointment, log: EventLog, now: datetime) -> Appointment:
    """Release and reserve in one transaction, so that a failed move never loses the old time."""
    appointment, as_customer = await mine(cmd, "reschedule_appointment", log)
    if as_customer and cmd.override is not None:
        raise OverrideByStaff
    provider_id = cmd.provider_id or appointment.provider_id
    unchanged = (provider_id, cmd.start) == (appointment.provider_id, appointment.starts_at)
    if unchanged and appointment.status is AppointmentStatus.BOOKED:
        return appointment
    service = await log.load(Service, appointment.service_id)
    service.check_offered(provider_id)
    provider = await log.load(Provider, provider_id)
    if not as_customer:
        acting = await staff(cmd.by, provider, log)
        demand(cmd.by, "reschedule_appointment", "provider", provider_id, *acting)
    choice = ProviderSelection(appointment.customer_id, service, provider)
    request = await _moved(cmd, appointment, choice, log, now, as_customer=as_customer)
    await log.record(appointment, *await take(request, log, now))
    return appointment


async def _moved(
    cmd: RescheduleAppointment,
    appointment: Appointment,
    choice: ProviderSelection,
    log: EventLog,
    now: datetime,
    *,
    as_customer: bool,
) -> ReservationRequest:
    """Move the appointment, or request it where the service needs approval. Returns the place to take."""
    old, by = Reservation.of(appointment), cmd.by.account
    override = cmd.override and cmd.override.of(appointment.customer_id)
    move = Move(await choice.placement(cmd.start, log), choice.origin(cmd), override, cmd.reason)
    request = ReservationRequest(Reservation.at(appointment.id, move.placement), choice.service, choice.provider)
    if cmd.reason or cmd.override is not None:
        await log.find(Customer, appointment.customer_id)  # fails the attempt if the customer is erased meanwhile
    if cmd.override is not None:
        request = request._replace(aside=cmd.override.aside)
    if as_customer and choice.service.term("approval"):
        appointment.request_move(by, move, choice.terms(), choice.service.lasts("approval_ttl", now), now)
        return request._replace(until=appointment.expires_at, beside=old)
    appointment.reschedule(by, move, choice.terms(), by_customer=as_customer, now=now)
    return request._replace(instead=old)


@command
async def cancel_appointment(cmd: CancelAppointment, log: EventLog, now: datetime) -> Appointment:
    """Cancel the appointment and release its time. Staff must give a reason."""
    appointment, as_customer = await mine(cmd, "cancel_appointment", log)
    if cmd.reason is None and not as_customer:
        raise Invalid("Staff must give a reason.", "/reason")
    if cmd.reason:
        await log.find(Customer, appointment.customer_id)  # fails the attempt if the customer is erased meanwhile
    before, reason = places_of(appointment), Reason(cmd.reason or "", cmd.reason_code)
    party = cmd.party if cmd.by == SYSTEM and cmd.party else party_of(cmd.by, as_customer=as_customer)
    appointment.cancel(cmd.by.account, reason, party, now)
    await log.record(appointment, *await give_up(before, appointment, log, now))
    return appointment


_Any = ChangeAppointment | RescheduleAppointment | CancelAppointment | MarkAppointment


async def mine(cmd: _Any, operation: str, log: EventLog) -> tuple[Appointment, bool]:
    """The appointment, and whether the caller acts as its customer: decided by relation, not by role."""
    permit(cmd.by, operation)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    provider = await log.load(Provider, appointment.provider_id)
    acting = await record_staff(cmd.by, appointment, provider, log)
    owners = set(acting)
    if not isinstance(cmd, MarkAppointment) and cmd.by.id not in owners:
        owners |= await _customers(appointment.customer_id, log)
    demand(cmd.by, operation, "appointment", cmd.appointment_id, *owners)
    cmd.expect(appointment)
    return appointment, not (cmd.by.role is Role.ADMIN or cmd.by.id in acting)


def party_of(by: Caller, *, as_customer: bool) -> Party:
    """The side on which the caller acts."""
    if by in {SYSTEM, OPERATOR}:
        return Party.SYSTEM
    return Party.CUSTOMER if as_customer else Party.STAFF


async def _customers(customer_id: UUID, log: EventLog) -> set[UUID]:
    """The accounts that this customer belongs to."""
    customer = await record_of(customer_id, log)
    return {customer_id} if customer is None else {*customer.owners}
