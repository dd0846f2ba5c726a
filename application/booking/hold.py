"""Keep a time for a few minutes, for longer, no longer. By the same door as a booking."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import demand, demand_system, permit
from application.booking.ports import NO_QUERIES, BookingQueries
from application.booking.provider_selection import BookingRequest, select_provider
from application.booking.reservation import Reservation, days_of, release, take
from application.catalog.membership import acts, staff
from application.event_log import Command, ConcurrencyConflict, EventLog, command
from domain.booking.calendar_day import SlotTaken
from domain.booking.hold import Hold
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import Invalid
from domain.kernel import Aggregate
from domain.people.customer import Customer


@dataclass(frozen=True, kw_only=True)
class PlaceHold(BookingRequest):
    """Keep a start."""


@dataclass(frozen=True, kw_only=True)
class ChangeHold(Command):
    """Find, extend, release, expire."""

    hold_id: UUID


@command
async def place_hold(cmd: PlaceHold, log: EventLog, now: datetime, queries: BookingQueries = NO_QUERIES) -> Hold:
    """Keep the start for the customer, with the provider named or the first free one of the service."""
    hold, others = await held(cmd, "place_hold", "hold_ttl", log, now, queries)
    await log.record(hold, *others)
    return hold


async def held(
    cmd: BookingRequest, operation: str, ttl: str, log: EventLog, now: datetime, queries: BookingQueries
) -> tuple[Hold, list[Aggregate]]:
    """A new hold and what is to be recorded with it. `ttl`: the service's term that says for how long.

    At most until the start: nobody can use it after, and it would stand in the way of what begins later.
    """
    choice = await select_provider(cmd, operation, log, now, queries)
    hold = Hold(
        id=cmd.id,
        by=cmd.by.account,
        service_id=choice.service.id,
        customer_id=choice.customer_id,
        expires_at=min(choice.service.lasts(ttl, now), cmd.start),
        timestamp=now,
        **await choice.place(cmd.start, log),
    )
    try:
        others = await take(Reservation.of(hold), choice.service, choice.provider, log, now, until=hold.expires_at)
    except SlotTaken:
        if cmd.provider_id is None:  # somebody took this one meanwhile: another may be free
            raise ConcurrencyConflict from None
        raise
    return hold, [*others]


@command
async def find_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """The hold as it is now; raises HoldExpired once it is over."""
    hold = await _mine(cmd, "get_hold", log, await log.load(Hold, cmd.hold_id))
    hold.check_live(now)
    return hold


@command
async def extend_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """Once, for as long again from now on."""
    hold = await _mine(cmd, "extend_hold", log, await log.edit(Hold, cmd.hold_id))
    service = await log.load(Service, hold.service_id)
    hold.extend(cmd.by.account, service.lasts("hold_ttl", now), now)
    days = await days_of([Reservation.of(hold)], log, now)
    for day in days:
        day.extend(hold.id, hold.expires_at, now)
    await log.record(hold, *days)
    return hold


@command
async def release_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """Give the time back; already given back or over is not an error."""
    hold = await _mine(cmd, "release_hold", log, await log.edit(Hold, cmd.hold_id))
    hold.release(cmd.by.account, now)
    await log.record(hold, *(await release(hold, log, now) if hold.pending_events else ()))
    return hold


@command
async def expire_hold(cmd: ChangeHold, log: EventLog, now: datetime) -> Hold:
    """Record that its time is over; nothing happens unless it is."""
    demand_system(cmd.by)
    hold = await log.edit(Hold, cmd.hold_id)
    hold.expire(now)
    await log.record(hold, *(await release(hold, log, now) if hold.pending_events else ()))
    return hold


async def redeemed(hold_id: UUID, cmd: BookingRequest, operation: str, log: EventLog, now: datetime) -> Hold:
    """The hold that a booking uses: the caller's own, live, and of what is booked."""
    permit(cmd.by, operation)
    hold = await log.edit(Hold, hold_id)
    await _check_own(cmd, operation, log, hold)
    hold.check_live(now)
    said = {
        "service_id": (cmd.service_id, hold.service_id),
        "start": (cmd.start, hold.starts_at),
        "provider_id": (cmd.provider_id or hold.provider_id, hold.provider_id),
    }
    for field, (wanted, kept) in said.items():
        if wanted != kept:
            raise Invalid(f"The hold is of another {field.removesuffix('_id')}.", f"/{field}")
    hold.use(cmd.by.account, cmd.id, now)
    return hold


async def _mine(cmd: ChangeHold, operation: str, log: EventLog, hold: Hold) -> Hold:
    permit(cmd.by, operation)
    await _check_own(cmd, operation, log, hold)
    cmd.expect(hold)
    return hold


async def _check_own(cmd: Command, operation: str, log: EventLog, hold: Hold) -> None:
    """Raise NotFound unless the caller acts for its provider, or is its customer."""
    provider = await log.load(Provider, hold.provider_id)
    owners = set(await staff(cmd.by, provider, log))
    if not await acts(cmd.by, provider, log):
        customer = await log.find(Customer, hold.customer_id)
        owners |= {hold.customer_id, *(customer.owners if customer else ())}
    demand(cmd.by, operation, "hold", hold.id, *owners)
