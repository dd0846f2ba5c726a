"""Matching: offer time that has become free to the first waitlist entries that want it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from application.access import SYSTEM, demand_system
from application.booking.hold import FindHold, find_hold
from application.booking.refusals import NotOffered
from application.booking.waitlist import ChangeWaiting, OfferPlace, lapse_offer, offer_place
from application.booking.waitlist_line import WaitlistLine
from application.current_state import current_state
from application.customer_record import current_record
from application.event_log import EventReader, EventStore
from application.jobs.job import NO_TRACE, Job, JobHandlers, JobLease, NotDueYet, Trace
from application.query import Lookup, query
from domain.booking.appointment import Appointment
from domain.booking.calendar_day import Day, SlotTaken
from domain.booking.hold import HoldExpired
from domain.booking.move import move_taker
from domain.booking.waitlist import Wish
from domain.errors import NotFound, Refusal
from domain.kernel import Aggregate, derived_id
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule

AHEAD = timedelta(days=62)
"""How far ahead the starts of changed opening hours are searched."""


@dataclass(frozen=True, slots=True)
class WaitlistServices:
    """The services that matching uses. `line`: reads the waiting entries and the free starts."""

    store: EventStore
    line: WaitlistLine


def waitlist_handlers(services: WaitlistServices) -> JobHandlers:
    """Handlers of the jobs that make and end offers."""
    return {"match": partial(match_freed, services=services), "lapse": partial(lapse_due, services=services)}


@dataclass(frozen=True, kw_only=True)
class FindCalendar(Lookup):
    """`stream`: the id of a Day or a Schedule."""

    stream: UUID


class FreedTime(NamedTuple):
    """Time of a provider in which starts may have become free. `at_least`: the log position to read from.

    `customer_id`: the one who had the time and is not offered it again; None if that is not one customer.
    """

    provider_id: UUID
    since: datetime
    until: datetime
    at_least: int | None = None
    customer_id: UUID | None = None
    trace: Trace = NO_TRACE


@query
async def find_calendar(asked: FindCalendar, log: EventReader, _: datetime) -> Aggregate:
    """The current state of the Day or the Schedule; raises NotFound."""
    demand_system(asked.by)
    return await log.load(Aggregate, asked.stream)


async def match_freed(job: Job, lease: JobLease, services: WaitlistServices) -> str:  # noqa: ARG001  a repeated offer changes nothing
    """Match the free starts of the time that a Day has released, or of the Schedule that has changed."""
    asked = FindCalendar(by=SYSTEM, stream=job.subject, **job.trace)
    found, now = (await find_calendar(asked, services.store)).aggregate, services.store.now()
    if not isinstance(found, Day | Schedule):
        return "gone"
    since, until = _stretch(job, found, now)
    if until <= now:
        return "late"
    former = await _former(job, services.store)
    freed = FreedTime(found.calendar_id, since, until, int(job.said["position"]), former, job.trace)
    return "offered" if await match(freed, services.line, services.store) else "done"


def _stretch(job: Job, found: Day | Schedule, now: datetime) -> Interval:
    since, until = job.moment("since"), job.moment("until")
    if since is not None and until is not None:
        return Interval(since, until)
    if isinstance(found, Schedule):
        return Interval(now, now + AHEAD)
    begin = datetime.fromisoformat(found.date).replace(tzinfo=UTC)
    return Interval(begin, begin + timedelta(days=1))


async def _former(job: Job, store: EventStore) -> UUID | None:
    """The customer who gave the time up; None for an offer, whose entry knows that it has lapsed."""
    if (taker := job.said.get("taker")) is None:
        return None
    for id in (UUID(taker), move_taker(UUID(taker))):
        if (appointment := await current_state(Appointment, id, store)) is not None:
            record = await current_record(appointment.customer_id, store)
            return appointment.customer_id if record is None else record.id
    return None


async def lapse_due(job: Job, lease: JobLease, services: WaitlistServices) -> str:  # noqa: ARG001  a repeated command changes nothing
    """End an offer that was not accepted. Raises NotDueYet while it lasts."""
    try:
        until = await lapse(job.subject, store=services.store, trace=job.trace)
    except NotFound:
        return "gone"
    if until is not None:  # the hold was extended
        raise NotDueYet(until)
    return "lapsed"


async def match(freed: FreedTime, line: WaitlistLine, store: EventStore) -> int:
    """Offer the free starts to the entries that want them, in order of arrival. Returns the number of offers."""
    offered, seen = 0, freed.at_least
    for wish in await line.wishes(freed.provider_id, freed.since, freed.until, seen):
        if wish.customer_id == freed.customer_id:
            continue
        # Read again after each offer: the start that was just offered is no longer free.
        found = await line.starts(wish.service_id, freed.provider_id, freed.since, freed.until, store.now(), seen)
        position = await _offer_first(wish, freed, found, store)
        if position is not None:
            offered, seen = offered + 1, position
    return offered


async def _offer_first(wish: Wish, freed: FreedTime, starts: Sequence[datetime], store: EventStore) -> int | None:
    """Offer the first start that fits and is still free. Returns the position of the offer."""
    for start in starts:
        if not wish.fits(freed.provider_id, start):
            continue
        try:
            return await _offer(wish, freed.provider_id, start, store, freed.trace)
        except (SlotTaken, NotOffered):
            continue  # booked meanwhile
        except Refusal:
            break  # the entry no longer waits, and would be refused each of a thousand starts
    return None


async def _offer(wish: Wish, provider_id: UUID, start: datetime, store: EventStore, trace: Trace) -> int:
    """Offer the start to the entry. Returns the log position of the offer."""
    offer = OfferPlace(
        by=SYSTEM,
        waiting_id=wish.waiting_id,
        hold_id=derived_id("offer", wish.waiting_id, provider_id, start.isoformat()),
        provider_id=provider_id,
        start=start,
        **trace,
    )
    return (await offer_place(offer, store)).position


async def lapse(waiting_id: UUID, *, store: EventStore, trace: Trace = NO_TRACE) -> datetime | None:
    """Return the entry to the waitlist if its offer has ended. Returns the end of an offer that still lasts."""
    asking = ChangeWaiting(by=SYSTEM, waiting_id=waiting_id, **trace)
    waiting = (await lapse_offer(asking, store)).aggregate
    if waiting.offer is None:
        return None
    try:
        kept = await find_hold(FindHold(by=SYSTEM, hold_id=waiting.offer.hold_id), store)
    except HoldExpired:
        return store.now()
    return kept.aggregate.expires_at
