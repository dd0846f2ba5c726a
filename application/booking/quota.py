"""The quota of a customer in commands that hold starts and that wait for them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from application.event_log import EventLog
from domain.booking.hold import Hold
from domain.booking.quota import KeptKind, KeptThing, Quota
from domain.booking.waitlist import WaitlistRequest
from domain.scheduling.wallclock import local_date, zone

_LATEST_ZONE = timedelta(hours=12)  # a date ends last in UTC-12


async def quota_of(customer_id: UUID, log: EventLog, now: datetime) -> Quota:
    """A copy to change; an empty one for a customer who has kept nothing yet."""
    (quota,) = await log.edit_all(Quota, [Quota.id_of(customer_id)])
    return quota or Quota.of(customer_id, now)


def changed(quota: Quota) -> Sequence[Quota]:
    """The quota, to record; nothing for a new one that has kept nothing."""
    return (quota,) if quota.pending_events and quota.version > 1 else ()


def held_start(hold: Hold, kind: KeptKind) -> KeptThing:
    """What a hold counts as: on the day of its start, in the provider's time zone."""
    day = local_date(hold.starts_at, zone(hold.timezone))
    return KeptThing(kind, hold.service_id, hold.provider_id, day, day, hold.expires_at)


def waiting_for(entry: WaitlistRequest) -> KeptThing:
    """What a waitlist entry counts as, until its last date is over everywhere."""
    first, last = (date.fromisoformat(entry.dates[name]) for name in ("from", "to"))
    over = datetime.combine(last, datetime.min.time(), zone("UTC")) + timedelta(days=1) + _LATEST_ZONE
    return KeptThing(KeptKind.ENTRY, entry.service_id, entry.provider_id, first, last, over)
