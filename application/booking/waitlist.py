"""Join and leave the waitlist; offer a start to an entry, accept the offer, or let it lapse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import demand, demand_system, permit
from application.booking.appointment import BookAppointment, booked
from application.booking.hold import held
from application.booking.ports import CUSTOMER_KNOWN, NO_QUERIES, CustomerVisits
from application.booking.provider_selection import BookingRequest, whom
from application.booking.reservation import release
from application.catalog.membership import acts, staff
from application.event_log import Command, EventLog, command
from domain.booking.appointment import Appointment
from domain.booking.hold import Hold, HoldExpired, HoldStatus
from domain.booking.origin import Channel
from domain.booking.waitlist import Offer, OfferLapsed, Waiting, WaitlistDates, WaitlistRequest
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import NotFound
from domain.kernel import Aggregate
from domain.people.customer import Customer
from domain.scheduling.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class JoinWaitlist(Command):
    """`hours`: [[begin, end], ...] in minutes of the day; `timezone`: of dates and hours, None for the provider's."""

    id: UUID
    service_id: UUID
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    dates: WaitlistDates
    hours: Sequence[Sequence[int]] = ()
    timezone: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeWaiting(Command):
    """Leave the waitlist, or let its offer lapse."""

    waiting_id: UUID


@dataclass(frozen=True, kw_only=True)
class OfferPlace(Command):
    """`hold_id`: of the new hold that reserves the start."""

    waiting_id: UUID
    hold_id: UUID
    provider_id: UUID
    start: datetime


@dataclass(frozen=True, kw_only=True)
class AcceptOffer(Command):
    """`id`: of the new appointment."""

    id: UUID
    waiting_id: UUID


@command
async def join_waitlist(
    cmd: JoinWaitlist, log: EventLog, now: datetime, visits: CustomerVisits = NO_QUERIES
) -> Waiting:
    """Add the customer to the waitlist of a service, for one provider or for any."""
    permit(cmd.by, "join_waitlist")
    customer_id = await whom(cmd.by, cmd.customer_id, log, visits)
    service = await log.load(Service, cmd.service_id)
    service.check_offered(cmd.provider_id)
    providers = [cmd.provider_id] if cmd.provider_id else service.provider_ids
    if not cmd.by.is_customer:
        await _check_acts(cmd, "join_waitlist", providers, "service", cmd.service_id, log)
    schedule = await log.load(Schedule, Schedule.id_of(providers[0]))
    entry = WaitlistRequest(
        customer_id=customer_id,
        service_id=cmd.service_id,
        provider_id=cmd.provider_id,
        dates=cmd.dates,
        hours=[[*each] for each in cmd.hours],
        timezone=cmd.timezone or schedule.timezone,
    )
    waiting = Waiting.join(cmd.id, cmd.by.account, entry, now)
    await log.record(waiting)
    return waiting


@command
async def leave_waitlist(cmd: ChangeWaiting, log: EventLog, now: datetime) -> Waiting:
    """Leave the waitlist and release the offered start. Already left is not an error."""
    waiting = await _mine(cmd, "leave_waitlist", log)
    offer = waiting.offer
    waiting.leave(cmd.by.account, now)
    freed: Sequence[Aggregate] = ()
    if offer is not None:
        hold = await log.edit(Hold, offer.hold_id)
        if hold.status is HoldStatus.HELD:
            hold.release(cmd.by.account, now)
            freed = [hold, *await release(hold, log, now)]
    await log.record(waiting, *freed)
    return waiting


@command
async def offer_place(cmd: OfferPlace, log: EventLog, now: datetime) -> Waiting:
    """Hold a start for a waiting entry. Raises NothingOffered, and the refusals of a hold."""
    demand_system(cmd.by)
    waiting = await log.edit(Waiting, cmd.waiting_id)
    wanted = BookingRequest(
        by=cmd.by,
        id=cmd.hold_id,
        service_id=waiting.service_id,
        start=cmd.start,
        provider_id=cmd.provider_id,
        customer_id=waiting.customer_id,
        channel=Channel.WAITLIST,
        demo=cmd.demo,
    )
    hold, others = await held(wanted, "place_hold", "offer_ttl", log, now, NO_QUERIES)
    waiting.offer_place(Offer(hold.id, hold.provider_id, hold.starts_at, hold.expires_at), now)
    await log.record(waiting, hold, *others)
    return waiting


@command
async def accept_offer(cmd: AcceptOffer, log: EventLog, now: datetime) -> Appointment:
    """Book the offered start. Where the service needs approval, a customer's acceptance is a request."""
    waiting = await _mine(cmd, "accept_offer", log)
    offer = waiting.standing_offer()
    booking = BookAppointment(
        by=cmd.by,
        id=cmd.id,
        service_id=waiting.service_id,
        start=offer.starts_at,
        provider_id=offer.provider_id,
        customer_id=waiting.customer_id,
        hold_id=offer.hold_id,
        channel=Channel.WAITLIST,
        demo=cmd.demo,
    )
    try:
        appointment, others = await booked(booking, "accept_offer", log, now, CUSTOMER_KNOWN)
    except HoldExpired as over:
        raise OfferLapsed(over.detail) from None
    waiting.accept(cmd.by.account, appointment.id, now)
    await log.record(appointment, waiting, *others)
    return appointment


@command
async def lapse_offer(cmd: ChangeWaiting, log: EventLog, now: datetime) -> Waiting:
    """End an offer whose hold has ended: the entry waits again. Do nothing while the hold lasts."""
    demand_system(cmd.by)
    waiting = await log.edit(Waiting, cmd.waiting_id)
    if waiting.offer is None:
        return waiting
    hold = await log.edit(Hold, waiting.offer.hold_id)
    hold.expire(now)
    freed = await release(hold, log, now) if hold.pending_events else ()
    if hold.status is HoldStatus.USED and hold.appointment_id is not None:  # the customer booked with the hold itself
        waiting.accept(cmd.by.account, hold.appointment_id, now)
    elif hold.status is not HoldStatus.HELD:
        waiting.lapse(now)
    await log.record(waiting, hold, *freed)
    return waiting


async def _mine(cmd: ChangeWaiting | AcceptOffer, operation: str, log: EventLog) -> Waiting:
    """The entry, if the caller is its customer, or acts for a provider that it waits for."""
    permit(cmd.by, operation)
    waiting = await log.edit(Waiting, cmd.waiting_id)
    customer = await log.find(Customer, waiting.customer_id)
    owners = {waiting.customer_id, *(customer.owners if customer else ())}
    if cmd.by.id not in owners:
        service = await log.load(Service, waiting.service_id)
        providers = [waiting.provider_id] if waiting.provider_id else service.provider_ids
        await _check_acts(cmd, operation, providers, "waiting", waiting.id, log)
    cmd.expect(waiting)
    return waiting


async def _check_acts(
    cmd: Command, operation: str, providers: Sequence[UUID], what: str, id: UUID, log: EventLog
) -> None:
    """Raise NotFound unless the caller acts for one of the providers."""
    for provider_id in providers:
        provider = await log.load(Provider, provider_id)
        if await acts(cmd.by, provider, log):
            demand(cmd.by, operation, what, id, *await staff(cmd.by, provider, log))
            return
    raise NotFound(what, id)
