"""Who in the line gets what has become free? The first whose wish it fits; the others wait on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.access import SYSTEM, demand_system
from application.booking.hold import FindHold, find_hold
from application.booking.refusals import NotOffered
from application.booking.waitlist import ChangeWaiting, OfferPlace, lapse_offer, offer_place
from application.booking.waitlist_line import WaitlistLine
from application.event_log import EventReader, EventStore
from application.jobs.job import Job, JobLease, Means, NotDueYet
from application.query import Query, query
from domain.booking.calendar_day import Day, SlotTaken
from domain.booking.hold import HoldExpired
from domain.booking.waitlist import Wish
from domain.errors import NotFound, Refusal
from domain.kernel import Aggregate, derived_id
from domain.scheduling.schedule import Schedule

AHEAD = timedelta(days=62)
"""How far ahead is looked for what new hours offer."""


@dataclass(frozen=True, kw_only=True)
class FindCalendar(Query):
    """`stream`: of a Day or a Schedule."""

    stream: UUID


@query
async def find_calendar(asked: FindCalendar, log: EventReader, _: datetime) -> Aggregate:
    """The current state of the Day or the Schedule; raises NotFound."""
    demand_system(asked.by)
    return await log.load(Aggregate, asked.stream)


async def match_freed(job: Job, lease: JobLease, means: Means) -> str:  # noqa: ARG001  an offer is made once
    """Match what is free on the Day, or in the hours, that the job is about."""
    assert means.line is not None
    finding = FindCalendar(by=SYSTEM, stream=job.subject, correlation=job.correlation)
    found, now = (await find_calendar(finding, means.store)).aggregate, means.store.now()
    if isinstance(found, Day):
        since = datetime.fromisoformat(found.date).replace(tzinfo=UTC)
        until = since + timedelta(days=1)
    elif isinstance(found, Schedule):
        since, until = now, now + AHEAD
    else:
        return "gone"
    if until <= now:
        return "late"
    offered = await match(
        found.calendar_id,
        since,
        until,
        line=means.line,
        store=means.store,
        at_least=int(job.said["position"]),
        correlation=job.correlation,
    )
    return "offered" if offered else "done"


async def lapse_due(job: Job, lease: JobLease, means: Means) -> str:  # noqa: ARG001  a command is done once
    """Put who did not accept back in line."""
    try:
        until = await lapse(job.subject, store=means.store, correlation=job.correlation)
    except NotFound:
        return "gone"
    if until is not None:  # the hold was extended
        raise NotDueYet(until)
    return "lapsed"


async def match(
    provider_id: UUID,
    since: datetime,
    until: datetime,
    *,
    line: WaitlistLine,
    store: EventStore,
    at_least: int | None = None,
    correlation: str = "",
) -> int:
    """Offer what is free of the stretch to those in line whom it fits; how many got an offer."""
    offered, seen = 0, at_least
    for wish in await line.wishes(provider_id, since, until, at_least):
        # Asked anew after each offer: what the one before has got is no longer free.
        found = await line.starts(wish.service_id, provider_id, since, until, store.now(), seen)
        for start in found:
            if not wish.fits(provider_id, start):
                continue
            try:
                seen = await _offer(wish, provider_id, start, store, correlation)
            except (SlotTaken, NotOffered):
                continue  # somebody else has it
            except Refusal:
                break  # they wait no longer, and would be refused each of a thousand starts
            offered += 1
            break
    return offered


async def _offer(wish: Wish, provider_id: UUID, start: datetime, store: EventStore, correlation: str) -> int:
    """The position of the offer."""
    offer = OfferPlace(
        by=SYSTEM,
        waiting_id=wish.waiting_id,
        hold_id=derived_id("offer", wish.waiting_id, provider_id, start.isoformat()),
        provider_id=provider_id,
        start=start,
        correlation=correlation,
    )
    return (await offer_place(offer, store)).position


async def lapse(waiting_id: UUID, *, store: EventStore, correlation: str = "") -> datetime | None:
    """Put them back in line if their offer is over; None, or until when it is kept: ask again then."""
    asking = ChangeWaiting(by=SYSTEM, waiting_id=waiting_id, correlation=correlation)
    waiting = (await lapse_offer(asking, store)).aggregate
    if waiting.offer is None:
        return None
    try:
        kept = await find_hold(FindHold(by=SYSTEM, hold_id=waiting.offer.hold_id), store)
    except HoldExpired:
        return store.now()
    return kept.aggregate.expires_at
