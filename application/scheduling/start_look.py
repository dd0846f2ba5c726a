"""What a command looks at before it books a start: terms, opening hours, and the occupied time of the Days."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from application.event_log import EventReader
from application.scheduling.opening_hours import hours
from domain.booking.calendar_day import Day, days_touched, taken
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
    ids = [Day.id_of(provider.id, day) for day in days_touched(*stretch)]
    days = [day for day in await log.find_all(Day, ids) if day is not None]
    return StartLook(terms, opening, occupied(days, stretch, now))


def occupied(days: Iterable[Day], stretch: Interval, now: datetime) -> list[Occupied]:
    """The occupied time that overlaps a stretch."""
    return [Occupied(s.since, s.until, s.service_id, s.starts_at, s.taker) for s in taken(days, *stretch, now)]
