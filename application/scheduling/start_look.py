"""What a command looks at before it books a start: terms, opening hours, and the occupied time of the Days."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from application.event_log import EventReader
from application.scheduling.opening_hours import hours
from domain.booking.calendar_day import Day, days_touched, near
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.scheduling.availability import Occupied
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.slot_terms import SlotTerms


class StartLook(NamedTuple):
    """The first arguments of `why_not` and `rules_against`, for one provider and the time of one start."""

    terms: SlotTerms
    hours: OpeningHours
    occupied: Sequence[Occupied]


async def look_at_start(
    service: Service, provider: Provider, start: datetime, log: EventReader, now: datetime
) -> StartLook:
    """What decides on a start. Raises ProviderInactive and NotOfferedBy."""
    opening, terms = await hours(service, provider, log), service.slot_terms()
    stretch = terms.stretch(start)
    return StartLook(terms, opening, occupied(await _days(provider.id, stretch, log), stretch, now))


async def takers_at(
    service: Service, provider: Provider, start: datetime, log: EventReader, now: datetime
) -> Collection[UUID]:
    """The takers of the seats that overlap the time of a start."""
    stretch = service.slot_terms().stretch(start)
    seats = [seat for day in await _days(provider.id, stretch, log) for seat in day.seats.values()]
    return {
        seat.taker for seat in seats if seat.since < stretch.end and stretch.start < seat.until and not seat.lapsed(now)
    }


async def _days(calendar_id: UUID, stretch: Interval, log: EventReader) -> Sequence[Day]:
    ids = [Day.id_of(calendar_id, day) for day in days_touched(*stretch)]
    return [day for day in await log.find_all(Day, ids) if day is not None]


def occupied(days: Sequence[Day], stretch: Interval, now: datetime, but: UUID | None = None) -> list[Occupied]:
    """The occupied time that overlaps a stretch. `but`: a taker whose seat does not count."""
    found: list[Occupied] = []
    for group in near(days, *stretch, but):
        seats = group.permanent + (len(group.live(now)) if group.limited else 0)
        if seats:
            found.append(Occupied(group.since, group.until, group.service_id, group.starts_at, seats))
    return found
