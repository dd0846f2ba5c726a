"""The services, calendars and occupied times of one snapshot, made from the rows that the loader selects."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.catalog.service_terms import ServiceTerms, slot_terms
from domain.scheduling.availability import Occupied, SlotTerms
from domain.scheduling.free_starts import Busy
from domain.scheduling.instants import SECOND, at_micros
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import Weekly, hours_of

_NOBODY = UUID(int=0)


class LoadedCalendar(NamedTuple):
    """A provider of a service, with its hours and occupied times, its organization's holidays subtracted.

    `busy`: sessions are those of the service, if it has several seats. `lapse_at`: when the first hold of the occupied
    times expires. `holidays`: ISO date -> name.
    """

    id: UUID
    active: bool
    hours: OpeningHours
    busy: Sequence[Busy]
    service_id: UUID
    organization: UUID | None = None
    lapse_at: datetime | None = None
    holidays: Mapping[str, str] = {}

    @property
    def occupied(self) -> list[Occupied]:
        """The busy times, for the rules."""
        return [
            Occupied(
                at_micros(since),
                at_micros(until),
                _NOBODY if session is None else self.service_id,
                at_micros(since if session is None else session),
                seats,
            )
            for since, until, session, seats in self.busy
        ]


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
        [_busy(*seat[:3]) for seat in seats or ()],
        service_id,
        None if organization is None else UUID(organization),
        min((_instant(seat[3]) for seat in seats or () if seat[3] is not None), default=None),
        holidays or {},
    )


def _busy(since: float, until: float, session: float | None) -> Busy:
    return Busy(_micros(since), _micros(until), None if session is None else _micros(session))


def _micros(seconds: float) -> int:
    return round(seconds * SECOND)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
