"""Join and leave the waitlist; offer a start to an entry, accept the offer, or let it lapse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from application.access import SYSTEM, demand, demand_system, permit
from application.booking.appointment import BookAppointment, booked
from application.booking.hold import held
from application.booking.ports import CUSTOMER_KNOWN, NO_QUERIES, CustomerVisits
from application.booking.provider_selection import BookingRequest, whom
from application.booking.quota import changed, quota_of, waiting_for
from application.booking.reservation import release
from application.catalog.membership import acts, staff
from application.customer_record import record_of
from application.event_log import Command, EventLog, command
from domain.booking.appointment import Appointment
from domain.booking.hold import Hold, HoldExpired, HoldStatus
from domain.booking.origin import Channel
from domain.booking.quota import KeptKind, Quota
from domain.booking.waitlist import Offer, OfferLapsed, Waiting, WaitingStatus, WaitlistDates, WaitlistRequest
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import Invalid, NotFound
from domain.kernel import Aggregate
from domain.scheduling.schedule import Schedule
from domain.scheduling.wallclock import local_date, zone

AHEAD = timedelta(days=366)
"""How far ahead a customer may wait for a service without a booking window."""


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
    """`hold_id`: of the new hold that reserves the start; `provider_id`: None for the first who is free."""

    waiting_id: UUID
    hold_id: UUID
    provider_id: UUID | None
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
    _check_bookable(entry, service, schedule, now)
    waiting = Waiting.join(cmd.id, cmd.by.account, entry, now)
    quota = await quota_of(customer_id, log, now)
    quota.keep(waiting.id, waiting_for(entry), now)
    await log.record(waiting, quota)
    return waiting


@command
async def leave_waitlist(cmd: ChangeWaiting, log: EventLog, now: datetime) -> Waiting:
    """Leave the waitlist and release the offered start. Already left is not an error."""
    waiting = await _mine(cmd, "leave_waitlist", log)
    offer = waiting.offer
    waiting.leave(cmd.by.account, now)
    quota, freed = await quota_of(waiting.customer_id, log, now), list[Aggregate]()
    quota.free(waiting.id, now)
    if offer is not None:
        hold = await log.edit(Hold, offer.hold_id)
        quota.free(hold.id, now)
        if hold.status is HoldStatus.HELD:
            hold.release(cmd.by.account, now)
            freed = [hold, *await release(hold, log, now)]
    await log.record(waiting, *freed, *changed(quota))
    return waiting


@command
async def offer_place(cmd: OfferPlace, log: EventLog, now: datetime) -> Waiting:
    """Hold a start for the next entry. Raises NotWaiting, OfferedBefore, and the refusals of a hold."""
    demand_system(cmd.by)
    waiting = await log.edit(Waiting, cmd.waiting_id)
    await log.record(waiting, *await _offered(cmd, waiting, log, now))
    return waiting


@command
async def make_offer(cmd: OfferPlace, log: EventLog, now: datetime) -> Waiting:
    """As `offer_place`, by the provider's staff, to the next entry or out of turn."""
    waiting = await _mine(cmd, "make_offer", log)
    await log.record(waiting, *await _offered(cmd, waiting, log, now))
    return waiting


async def _offered(cmd: OfferPlace, waiting: Waiting, log: EventLog, now: datetime) -> Sequence[Aggregate]:
    """Offer the start to the entry. Returns what is recorded with it: the hold and its Days."""
    waiting.check_waiting()
    wanted = BookingRequest(
        by=cmd.by,
        id=cmd.hold_id,
        service_id=waiting.service_id,
        start=cmd.start,
        provider_id=cmd.provider_id or waiting.provider_id,
        customer_id=waiting.customer_id,
        channel=Channel.WAITLIST,
        demo=cmd.demo,
    )
    hold, others = await held(wanted, KeptKind.OFFER, log, now, CUSTOMER_KNOWN)
    waiting.offer_place(Offer(hold.id, hold.provider_id, hold.starts_at, hold.expires_at), now)
    if cmd.by != SYSTEM and not waiting.wish.fits(hold.provider_id, hold.starts_at):  # matching has looked before
        raise Invalid("The customer waits for other dates, hours or providers.", "/start")
    return hold, *others


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
    for quota in others:
        if isinstance(quota, Quota):  # the one that no longer counts the hold
            quota.free(waiting.id, now)
    await log.record(appointment, waiting, *others)
    return appointment


@command
async def lapse_offer(cmd: ChangeWaiting, log: EventLog, now: datetime) -> Waiting:
    """End an offer whose hold has ended: the entry waits at the end of the line, or ends. Do nothing while it lasts."""
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
        waiting.lapse(cmd.by.account, now)
    quota = await quota_of(waiting.customer_id, log, now)
    if waiting.status in {WaitingStatus.ACCEPTED, WaitingStatus.LEFT}:
        quota.free(waiting.id, now)
    await log.record(waiting, hold, *freed, *changed(quota))
    return waiting


def _check_bookable(entry: WaitlistRequest, service: Service, schedule: Schedule, now: datetime) -> None:
    """Raise Invalid unless all dates lie between today and the end of the service's booking window."""
    tz, window = zone(entry.timezone), service.slot_terms().window
    today = local_date(now, tz)
    last = today + AHEAD
    if window is not None:
        last = min(last, local_date(window.bounds(schedule.hours(), now).end - timedelta(microseconds=1), tz))
    for name in ("from", "to"):
        day = date.fromisoformat(entry.dates[name])
        if not today <= day <= last:
            raise Invalid(f"Choose dates from {today} to {last}, the booking window of this service.", f"/dates/{name}")


async def _mine(cmd: ChangeWaiting | OfferPlace | AcceptOffer, operation: str, log: EventLog) -> Waiting:
    """The entry, if the caller is its customer, or acts for a provider that it waits for."""
    permit(cmd.by, operation)
    waiting = await log.edit(Waiting, cmd.waiting_id)
    customer = await record_of(waiting.customer_id, log)
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
