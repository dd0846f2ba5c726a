"""From a snapshot to the starts offered, and to the reason why a start is not."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from uuid import UUID

from domain.errors import Invalid
from domain.scheduling.availability import Start, rules_against, starts
from domain.scheduling.free_starts import free_starts
from domain.scheduling.interval import Interval, clip
from domain.scheduling.unavailable_reason import UnavailableReason
from domain.scheduling.wallclock import SUPPORTED, day_bounds, local_date, zone
from projections.availability.response import PreparedAvailability
from projections.availability.snapshot import LoadedCalendar, LoadedService

_SKEW = timedelta(minutes=1)  # how far the clocks of processes may differ
_LASTS = timedelta(minutes=1)

MOST_STARTS = 50_000  # of one answer; more would hold up other requests


def offered(service: LoadedService, span: Interval, now: datetime) -> Iterator[tuple[Start, UUID]]:
    """The starts offered in `span` at `now`, each with its provider; in order for each provider."""
    for calendar in _bookable(service):
        for start in starts(service.offer, calendar.hours, calendar.occupied, span, now):
            yield start, calendar.id


def against(
    service: LoadedService, provider_id: UUID | None, start: datetime, now: datetime
) -> Sequence[UnavailableReason]:
    """All reasons against a start, in order; without a provider, of the provider nearest to offering it."""
    if provider_id is not None and not service.calendars:
        return [UnavailableReason.NOT_OFFERED_BY]
    if service.withdrawn:
        return [UnavailableReason.WITHDRAWN]
    nearest = [UnavailableReason.INACTIVE]
    for calendar in _bookable(service):
        rules = rules_against(service.offer, calendar.hours, calendar.occupied, start, now)
        reasons = [UnavailableReason(rule.value) for rule in rules]
        if not reasons:
            return []
        nearest = max(nearest, reasons, key=lambda each: each[0].place)
    return nearest


def closing_holiday(service: LoadedService, start: datetime) -> tuple[date, str] | None:
    """The holiday that closes the first of the providers on the date of a start, and its name."""
    for calendar in _bookable(service):
        day = local_date(start, zone(calendar.hours.timezone))
        if calendar.hours.holiday_closes(day):
            return day, calendar.holidays[day.isoformat()]
    return None


def prepare(
    position: int, service: LoadedService, provider_id: UUID | None, span: Interval, now: datetime
) -> PreparedAvailability:
    """The starts in `span` of all calendars loaded, without regard to the notice, which passes with time."""
    valid, notice = _validity(service, now), timedelta(minutes=service.offer.min_notice)
    found = _candidates(service, clip(span, Interval(now - _SKEW + notice, SUPPORTED.end)), now)
    providers = service.providers if provider_id is None else [provider_id]
    return PreparedAvailability.of(
        position,
        [service.id, *providers, *_organizations(service)],
        (valid.start.timestamp(), valid.end.timestamp()),
        service.offer,
        common_zone(service.calendars),
        found,
    )


def _validity(service: LoadedService, now: datetime) -> Interval:
    """About a minute, but not beyond midnight, where booking windows move on, nor the end of a hold."""
    valid = Interval(now - _SKEW, now + _LASTS)
    for calendar in _bookable(service):
        if service.offer.window is not None:
            tz = zone(calendar.hours.timezone)
            valid = clip(valid, day_bounds(local_date(now, tz), tz))
        if calendar.lapse_at is not None:
            valid = clip(valid, Interval(valid.start, calendar.lapse_at))
    return valid


def _candidates(service: LoadedService, span: Interval, now: datetime) -> list[tuple[int, UUID, int]]:
    """The starts of all calendars in microseconds, by start, then provider, with free seats.

    Raises Invalid if there are too many.
    """
    found: list[tuple[int, UUID, int]] = []
    window = service.offer.window
    for calendar in sorted(_bookable(service), key=_number):
        within = span if window is None else clip(span, window.bounds(calendar.hours, now))
        free = free_starts(service.offer, calendar.hours, calendar.busy, within)
        found += [(start, calendar.id, seats) for start, seats in free]
        if len(found) > MOST_STARTS:
            raise Invalid("There are too many starts: ask for a shorter time, or for one provider.", "/to")
    if len(service.calendars) > 1:
        found.sort(key=itemgetter(0))  # stable: the calendars of a start stay in order
    return found


def _number(calendar: LoadedCalendar) -> int:
    """The id as a number, which compares in a fraction of the time, and alike."""
    return calendar.id.int


def _organizations(service: LoadedService) -> set[UUID]:
    """The organizations whose holidays count."""
    return {each.organization for each in service.calendars if each.organization is not None}


def common_zone(calendars: Iterable[LoadedCalendar]) -> str:
    """The zone that all the calendars are in, or UTC."""
    zones = {calendar.hours.timezone for calendar in calendars}
    return zones.pop() if len(zones) == 1 else "UTC"


def _bookable(service: LoadedService) -> Iterator[LoadedCalendar]:
    return (each for each in service.calendars if each.active and not service.withdrawn)
