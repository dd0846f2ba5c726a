"""The services, calendars and occupied times of one snapshot, made from the rows that the loader selects."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.catalog.service_terms import ServiceTerms, slot_terms
from domain.scheduling.availability import Occupied, SlotTerms
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import Weekly, hours_of

_NOBODY = UUID(int=0)


class LoadedCalendar(NamedTuple):
    """A provider of a service, with its hours and occupied times, its organization's holidays subtracted.

    `lapse_at`: when the first hold of the occupied times expires. `holidays`: ISO date -> name.
    """

    id: UUID
    active: bool
    hours: OpeningHours
    occupied: Sequence[Occupied]
    organization: UUID | None = None
    lapse_at: datetime | None = None
    holidays: Mapping[str, str] = {}


class LoadedService(NamedTuple):
    """A service, all its providers, and the calendars asked for of providers in its organization."""

    id: UUID
    withdrawn: bool
    offer: SlotTerms
    providers: Sequence[UUID]
    calendars: Sequence[LoadedCalendar]


class AvailabilitySnapshot(NamedTuple):
    """The services found at a position of the log."""

    position: int
    services: Sequence[LoadedService]


def loaded_service(
    id: UUID,
    withdrawn: bool,
    terms: ServiceTerms,
    providers: Sequence[str],
    calendars: Sequence[Sequence[Any]] | None,
) -> LoadedService:
    found = [_calendar(id, *each) for each in calendars or ()]
    return LoadedService(id, withdrawn, slot_terms(id, terms), [UUID(each) for each in providers], found)


def _calendar(
    service_id: UUID,
    id: str,
    active: bool,
    timezone: str,
    weekly: Weekly,
    overrides: Mapping[str, Sequence[Sequence[int]]] | None,
    time_off: Sequence[tuple[float, float]] | None,
    seats: Sequence[tuple[float, float, float | None, float | None]] | None,
    organization: str | None,
    holidays: Mapping[str, str] | None,
) -> LoadedCalendar:
    off = [(_instant(since), _instant(until)) for since, until in time_off or ()]
    dates = frozenset(map(date.fromisoformat, holidays or ()))
    return LoadedCalendar(
        UUID(id),
        active,
        hours_of(timezone, weekly, overrides or {}, off).less(dates),
        [_occupied(service_id, *seat[:3]) for seat in seats or ()],
        None if organization is None else UUID(organization),
        min((_instant(seat[3]) for seat in seats or () if seat[3] is not None), default=None),
        holidays or {},
    )


def _occupied(service_id: UUID, since: float, until: float, start: float | None) -> Occupied:
    begin = _instant(since)
    if start is None:  # of no session that another could join
        return Occupied(begin, _instant(until), _NOBODY, begin)
    return Occupied(begin, _instant(until), service_id, _instant(start))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
