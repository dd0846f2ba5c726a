"""Book, move, cancel, and what becomes of an appointment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import Role, demand, permit
from application.log import Command, Log, Moved, command
from application.membership import acts, hosts, staff
from application.offer import refusal
from application.opening import hours
from domain.appointment import Appointment, Status, said
from domain.availability import Occupied, Rule, why_not
from domain.customer import Customer, CustomerDeleted
from domain.day import Day, Seat, SlotTaken, days_touched, reserve, taken
from domain.errors import Invalid, NotFound
from domain.hours import Hours
from domain.provider import Provider, ProviderInactive
from domain.schedule import Schedule
from domain.service import NotOfferedBy, Service


@dataclass(frozen=True, kw_only=True)
class BookAppointment(Command):
    """From read models, perhaps not fresh: `ranking`, the providers in the order to try when none is named;
    `hosted`, whether the customer has been with the staff who ask.
    """

    id: UUID
    service_id: UUID
    start: datetime
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    note: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    ranking: Sequence[UUID] = ()
    hosted: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeAppointment(Command):
    """None leaves a field as it is."""

    appointment_id: UUID
    note: str | None = None
    answers: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class RescheduleAppointment(Command):
    appointment_id: UUID
    start: datetime
    provider_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class CancelAppointment(Command):
    appointment_id: UUID
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class MarkAppointment(Command):
    """Check in, complete, no-show, undo no-show."""

    appointment_id: UUID


@command
async def book_appointment(cmd: BookAppointment, log: Log, now: datetime) -> Appointment:
    """Take the start for the customer, with the provider named or the first free one of the service."""
    permit(cmd.by, "book_appointment")
    customer_id = await _customer(cmd, log)
    service = await log.load(Service, cmd.service_id)
    service.check_offered(cmd.provider_id)
    provider_id = cmd.provider_id or await _first_free(cmd, service, log, now)
    provider = await log.load(Provider, provider_id)
    owners = {customer_id} if cmd.by.is_customer else await staff(cmd.by, provider, log)
    demand(cmd.by, "book_appointment", "provider", provider_id, *owners)
    place = await _place(service, provider, cmd.start, log)
    appointment = Appointment(
        id=cmd.id,
        by=cmd.by.account,
        service_id=service.id,
        customer_id=customer_id,
        told=said(customer_id, cmd.note, cmd.answers),
        timestamp=now,
        **place,
    )
    days = await _days(log, now, [(provider_id, appointment.since, appointment.until)])
    _check_offered(service, await hours(service, provider, log), days, cmd.start, now)
    try:
        _reserve(days, appointment, service, now)
    except SlotTaken:
        if cmd.provider_id is None:  # somebody took this one meanwhile: another may be free
            raise Moved from None
        raise
    await log.record(appointment, *days)
    return appointment


@command
async def change_appointment(cmd: ChangeAppointment, log: Log, now: datetime) -> Appointment:
    """Change note and answers."""
    sealed, _ = await _mine(cmd, "change_appointment", log)
    appointment = await log.unseal(sealed)
    await log.find(
        Customer, appointment.customer_id
    )  # whoever is forgotten meanwhile, of them nothing is said
    note = appointment.note if cmd.note is None else cmd.note
    answers = appointment.answers if cmd.answers is None else dict(cmd.answers)
    appointment.annotate(cmd.by.account, note, answers, now)
    await log.record(appointment)
    return appointment


@command
async def reschedule_appointment(cmd: RescheduleAppointment, log: Log, now: datetime) -> Appointment:
    """Release and reserve in one record: a failed move never loses the old time."""
    appointment, as_customer = await _mine(cmd, "reschedule_appointment", log)
    provider_id = cmd.provider_id or appointment.provider_id
    there = (provider_id, cmd.start) == (appointment.provider_id, appointment.starts_at)
    if there and appointment.status is Status.BOOKED:
        return appointment
    service = await log.load(Service, appointment.service_id)
    service.check_offered(provider_id)
    provider = await log.load(Provider, provider_id)
    if not as_customer:
        acting = await staff(cmd.by, provider, log)
        demand(cmd.by, "reschedule_appointment", "provider", provider_id, *acting)
    old = appointment.provider_id, appointment.since, appointment.until
    place = await _place(service, provider, cmd.start, log)
    appointment.reschedule(cmd.by.account, by_customer=as_customer, place=place, now=now)
    new = provider_id, appointment.since, appointment.until
    days = await _days(log, now, [old, new])
    for day in days:
        day.release(appointment.id, now)
    theirs = [day for day in days if day.calendar_id == provider_id and _touches(day, appointment)]
    _check_offered(service, await hours(service, provider, log), theirs, cmd.start, now)
    _reserve(theirs, appointment, service, now)
    await log.record(appointment, *days)
    return appointment


@command
async def cancel_appointment(cmd: CancelAppointment, log: Log, now: datetime) -> Appointment:
    """Give the time back. Staff say why."""
    appointment, as_customer = await _mine(cmd, "cancel_appointment", log)
    if cmd.reason is None and not as_customer:
        raise Invalid("Staff must give a reason.", "/reason")
    if cmd.reason:
        await log.find(
            Customer, appointment.customer_id
        )  # whoever is forgotten meanwhile, of them nothing is said
    days = await _days(log, now, [(appointment.provider_id, appointment.since, appointment.until)])
    appointment.cancel(cmd.by.account, cmd.reason or "", by_customer=as_customer, now=now)
    for day in days:
        day.release(appointment.id, now)
    await log.record(appointment, *days)
    return appointment


@command
async def check_in_appointment(cmd: MarkAppointment, log: Log, now: datetime) -> Appointment:
    """The customer is here."""
    appointment, _ = await _mine(cmd, "check_in_appointment", log)
    appointment.check_in(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def complete_appointment(cmd: MarkAppointment, log: Log, now: datetime) -> Appointment:
    """It took place."""
    appointment, _ = await _mine(cmd, "complete_appointment", log)
    appointment.complete(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def miss_appointment(cmd: MarkAppointment, log: Log, now: datetime) -> Appointment:
    """The customer did not come."""
    appointment, _ = await _mine(cmd, "miss_appointment", log)
    appointment.miss(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def undo_no_show(cmd: MarkAppointment, log: Log, now: datetime) -> Appointment:
    """The customer came after all."""
    appointment, _ = await _mine(cmd, "undo_no_show", log)
    appointment.undo_no_show(cmd.by.account, now)
    await log.record(appointment)
    return appointment


_AnyMine = ChangeAppointment | RescheduleAppointment | CancelAppointment | MarkAppointment


async def _mine(cmd: _AnyMine, operation: str, log: Log) -> tuple[Appointment, bool]:
    """The appointment, and whether the caller is its customer rather than staff: by relation, not by role."""
    permit(cmd.by, operation)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    provider = await log.load(Provider, appointment.provider_id)
    owners = set(await staff(cmd.by, provider, log))
    if not isinstance(cmd, MarkAppointment) and cmd.by.id not in owners:
        owners |= await _customers(appointment.customer_id, log)
    demand(cmd.by, operation, "appointment", cmd.appointment_id, *owners)
    cmd.expect(appointment)
    return appointment, not await acts(cmd.by, provider, log)


async def _customers(customer_id: UUID, log: Log) -> set[UUID]:
    """The accounts that are this customer: its own, and who claimed the guest."""
    customer = await log.find(Customer, customer_id)
    return {customer_id} if customer is None else {*customer.owners}


async def _customer(cmd: BookAppointment, log: Log) -> UUID:
    if cmd.by.is_customer:
        if cmd.customer_id not in (None, cmd.by.account):
            raise NotFound("customer", str(cmd.customer_id))
        customer_id = cmd.by.account
    elif cmd.customer_id is None:
        raise Invalid("Staff must say for which customer.", "/customer_id")
    else:
        customer_id = cmd.customer_id
    customer = await log.find(Customer, customer_id)
    if not cmd.by.is_customer and (customer is None or not await _known(cmd, customer, log)):
        raise NotFound("customer", customer_id)
    if customer is not None and customer.deleted:
        raise CustomerDeleted
    return customer_id


async def _known(cmd: BookAppointment, customer: Customer, log: Log) -> bool:
    """Staff book for guests of their own and for customers who have been with them."""
    return cmd.by.role is Role.ADMIN or cmd.hosted or cmd.by.id in await hosts(cmd.by, customer, log)


async def _place(service: Service, provider: Provider, start: datetime, log: Log) -> dict[str, Any]:
    """What an appointment keeps of the service as it is now."""
    provider.check_active()
    schedule = await log.load(Schedule, Schedule.id_of(provider.id))
    terms = service.terms
    return {
        "provider_id": provider.id,
        "starts_at": start,
        "duration": terms["duration"],
        "buffer_before": terms["buffer_before"],
        "buffer_after": terms["buffer_after"],
        "timezone": schedule.timezone,
        "price": terms["price"],
        "currency": terms["currency"],
        "policy": service.policy(),
    }


async def _first_free(cmd: BookAppointment, service: Service, log: Log, now: datetime) -> UUID:
    """The first provider, in the order of the ranking, with whom the start is offered."""
    rank = {provider_id: n for n, provider_id in enumerate(cmd.ranking)}
    refused: Rule | None = None
    theirs = 0
    for provider_id in sorted(service.provider_ids, key=lambda id: (rank.get(id, len(rank)), id)):
        provider = await log.load(Provider, provider_id)
        if not (cmd.by.is_customer or await acts(cmd.by, provider, log)):
            continue
        theirs += 1
        try:
            opening = await hours(service, provider, log)
        except (ProviderInactive, NotOfferedBy):
            continue
        touched = days_touched(*service.offer().stretch(cmd.start))
        ids = [Day.id_of(provider_id, day) for day in touched]
        days = [day for day in await log.find_all(Day, ids) if day is not None]
        rule = why_not(service.offer(), opening, _occupied(days, service, cmd.start), cmd.start, now)
        if rule is None:
            return provider_id
        refused = rule if refused in {None, Rule.CLOSED} else refused
    if not theirs:
        raise NotFound("service", service.id)
    raise refusal(refused) if refused else ProviderInactive


async def _days(
    log: Log, now: datetime, stretches: Sequence[tuple[UUID, datetime, datetime]]
) -> Sequence[Day]:
    """Own copies of the Days that the stretches touch, new ones where there is none yet."""
    wanted = {
        Day.id_of(calendar_id, day): (calendar_id, day.isoformat())
        for calendar_id, since, until in stretches
        for day in days_touched(since, until)
    }
    found = await log.edit_all(Day, wanted)
    return [
        day or Day(id=id, calendar_id=calendar_id, date=date, timestamp=now)
        for (id, (calendar_id, date)), day in zip(wanted.items(), found, strict=True)
    ]


def _touches(day: Day, appointment: Appointment) -> bool:
    return day.date in {d.isoformat() for d in days_touched(appointment.since, appointment.until)}


def _occupied(days: Sequence[Day], service: Service, start: datetime) -> list[Occupied]:
    seats = taken(days, *service.offer().stretch(start))
    return [Occupied(s.since, s.until, s.service_id, s.starts_at, s.taker) for s in seats]


def _check_offered(
    service: Service, opening: Hours, days: Sequence[Day], start: datetime, now: datetime
) -> None:
    rule = why_not(service.offer(), opening, _occupied(days, service, start), start, now)
    if rule is not None:
        raise refusal(rule)


def _reserve(days: Sequence[Day], appointment: Appointment, service: Service, now: datetime) -> None:
    seat = Seat(appointment.id, service.id, appointment.starts_at, appointment.since, appointment.until)
    reserve(days, seat, service.terms["capacity"], now)
