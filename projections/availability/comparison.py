"""The free starts of a provider under other opening hours, beside those of now."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.scheduling.availability import Occupied, SlotTerms, starts
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours
from projections.availability.snapshot import AvailabilitySnapshot


class ComparedStarts(NamedTuple):
    """The starts of a service that are offered only under the other hours, and only under those of now; in order."""

    service_id: UUID
    gained: Sequence[datetime]
    lost: Sequence[datetime]


def compared(
    snapshot: AvailabilitySnapshot, before: OpeningHours, after: OpeningHours, span: Interval, now: datetime
) -> Sequence[ComparedStarts]:
    """Of each service whose starts change. The provider is the only calendar of the snapshot."""
    found = []
    for service in snapshot.services:
        for calendar in service.calendars:
            if calendar.active:
                old = _offered(service.offer, before, calendar.occupied, span, now)
                new = _offered(service.offer, after, calendar.occupied, span, now)
                found.append(ComparedStarts(service.id, sorted(new - old), sorted(old - new)))
    return [each for each in found if each.gained or each.lost]


def _offered(
    offer: SlotTerms, hours: OpeningHours, occupied: Sequence[Occupied], span: Interval, now: datetime
) -> set[datetime]:
    return {each.start for each in starts(offer, hours, occupied, span, now)}
