"""Place, extend, release and use holds. A hold is refused for the same reasons as a booking."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import demand, demand_system, permit
from application.booking.ports import NO_QUERIES, BookingQueries
from application.booking.provider_selection import BookingRequest, select_provider, take_start
from application.booking.quota import changed, held_start, quota_of
from application.booking.reservation import Reservation, ReservationRequest, days_of, release
from application.catalog.membership import acts, staff
from application.customer_record import record_of
from application.event_log import Command, EventLog, EventReader, Request, command
from application.query import Lookup, query
from domain.booking.hold import Hold
from domain.booking.quota import KeptKind, Quota
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import Invalid
from domain.kernel import Aggregate


@dataclass(frozen=True, kw_only=True)
class PlaceHold(BookingRequest):
    """Hold a start."""


@dataclass(frozen=True, kw_only=True)
class ChangeHold(Command):
    """Extend, release, expire."""

    hold_id: UUID


@dataclass(frozen=True, kw_only=True)
class FindHold(Lookup):
    hold_id: UUID


@command
async def place_hold(cmd: PlaceHold, log: EventLog, now: datetime, queries: BookingQueries = NO_QUERIES) -> Hold:
    """Hold the start for the customer, with the provider named or the first free one of the service."""
    hold, others = await held(cmd, KeptKind.HOLD, log, now, queries)
    await log.record(hold, *others)
    return hold


async def held(
    cmd: BookingRequest, kind: KeptKind, log: EventLog, now: datetime, queries: BookingQueries
) -> tuple[Hold, list[Aggregate]]:
    """A new hold for a hold or an offer, and the aggregates to record with it.

    A hold ends at its start at the latest: later it could not be used, but would block the time.
    """
    choice = await select_provider(cmd, "place_hold", log, now, queries)
    booking = await choice.booking(cmd, log)
    hold = Hold.place(cmd.id, booking, min(choice.service.lasts(f"{kind}_ttl", now), cmd.start), now)
    quota = await quota_of(choice.customer_id, log, now)
    quota.keep(hold.id, held_start(hold, kind), now)
    request = ReservationRequest(Reservation.of(hold), choice.service, choice.provider, until=hold.expires_at)
    return hold, [quota, *await take_start(cmd, request, log, now)]


@query
async def find_hold(asked: FindHold, log: EventReader, now: datetime) -> Hold:
    """The current state of the hold; raises HoldExpired once it is over."""
    permit(asked.by, "get_hold")
    hold = await log.load(Hold, asked.hold_id)
    await _check_own(asked, "get_hold", log, hold)
    hold.check_live(now)
    return hold


@command
async def extend_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """Extend the hold, once, by the service's `hold_ttl` from now on."""
    hold = await _mine(cmd, "extend_hold", log, await log.edit(Hold, cmd.hold_id))
    service = await log.load(Service, hold.service_id)
    hold.extend(cmd.by.account, service.lasts("hold_ttl", now), now)
    days = await days_of([Reservation.of(hold)], log, now)
    for day in days:
        day.extend(hold.id, hold.expires_at, now)
    quota = await quota_of(hold.customer_id, log, now)
    if (kept := quota.things.get(hold.id)) is not None:  # None for a hold of release 0.1.0
        quota.keep(hold.id, kept._replace(until=hold.expires_at), now)
    await log.record(hold, *days, *changed(quota))
    return hold


@command
async def release_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """Release the hold; already released or expired is not an error."""
    hold = await _mine(cmd, "release_hold", log, await log.edit(Hold, cmd.hold_id))
    hold.release(cmd.by.account, now)
    quota = await quota_of(hold.customer_id, log, now)
    quota.free(hold.id, now)
    await log.record(hold, *(await release(hold, log, now) if hold.pending_events else ()), *changed(quota))
    return hold


@command
async def expire_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """Expire a hold whose time is over; otherwise do nothing."""
    demand_system(cmd.by)
    hold = await log.edit(Hold, cmd.hold_id)
    hold.expire(now)
    await log.record(hold, *(await release(hold, log, now) if hold.pending_events else ()))
    return hold


async def redeemed(
    hold_id: UUID, cmd: BookingRequest, operation: str, log: EventLog, now: datetime
) -> tuple[Hold, Quota]:
    """The hold that a booking uses: it belongs to the caller, has not expired, and is for the same start.

    And the customer's quota, which no longer counts it.
    """
    permit(cmd.by, operation)
    hold = await log.edit(Hold, hold_id)
    await _check_own(cmd, operation, log, hold)
    hold.check_live(now)
    fields = {
        "service_id": (cmd.service_id, hold.service_id),
        "start": (cmd.start, hold.starts_at),
        "provider_id": (cmd.provider_id or hold.provider_id, hold.provider_id),
    }
    for field, (wanted, kept) in fields.items():
        if wanted != kept:
            raise Invalid(f"The hold is for another {field.removesuffix('_id')}.", f"/{field}")
    hold.use(cmd.by.account, cmd.id, now)
    quota = await quota_of(hold.customer_id, log, now)
    quota.free(hold.id, now)
    return hold, quota


async def _mine(cmd: ChangeHold, operation: str, log: EventLog, hold: Hold) -> Hold:
    permit(cmd.by, operation)
    await _check_own(cmd, operation, log, hold)
    cmd.expect(hold)
    return hold


async def _check_own(request: Request, operation: str, log: EventReader, hold: Hold) -> None:
    """Raise NotFound unless the caller acts for the hold's provider, or is its customer."""
    provider = await log.load(Provider, hold.provider_id)
    owners = set(await staff(request.by, provider, log))
    if not await acts(request.by, provider, log):
        customer = await record_of(hold.customer_id, log)
        owners |= {hold.customer_id, *(customer.owners if customer else ())}
    demand(request.by, operation, "hold", hold.id, *owners)
