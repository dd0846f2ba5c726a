"""What a page of events has touched, and must be worked out anew after it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from domain.scheduling.interval import Interval
from projections.engine.row_batch import Row

AHEAD = timedelta(days=62)
"""Open time is kept so far ahead of the log's last event."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_ABOUT_A_DAY = timedelta(hours=26)  # zones lie so far from UTC, clock changes included


@dataclass
class Touched:
    """`days`: provider -> dates; `since`: provider -> the date from which on every date may be another.

    `customers`: whose rows may belong to somebody else now. `visits`: customer and place, where visits are numbered
    anew; `persons`: those of whom all visits are. `sessions`: provider, service, start; `services`: those of which
    sessions from an instant on have another capacity.
    """

    days: dict[UUID, set[date]] = field(default_factory=dict)
    since: dict[UUID, date] = field(default_factory=dict)
    holidays: set[tuple[UUID, date]] = field(default_factory=set)
    customers: set[UUID] = field(default_factory=set)
    visits: set[tuple[UUID, UUID]] = field(default_factory=set)
    persons: set[UUID] = field(default_factory=set)
    sessions: set[tuple[UUID, UUID, datetime]] = field(default_factory=set)
    services: dict[UUID, datetime] = field(default_factory=dict)
    at: datetime = _NEVER

    def time(self, provider_id: UUID, time: Interval) -> None:
        """The dates on which the time may lie, in any zone."""
        first, last = (time.start - _ABOUT_A_DAY).date(), (time.end + _ABOUT_A_DAY).date()
        self.days.setdefault(provider_id, set()).update(dates(first, last))

    def date(self, provider_id: UUID, day: date) -> None:
        """A date, and those next to it, into which its hours may run."""
        near = dates(day - timedelta(days=1), day + timedelta(days=1))
        self.days.setdefault(provider_id, set()).update(near)

    def from_then(self, provider_id: UUID, at: datetime) -> None:
        """Every date that has not ended at the instant."""
        day = (at - _ABOUT_A_DAY).date()
        self.since[provider_id] = min(day, self.since.get(provider_id, day))

    def appointment(self, row: Row) -> None:
        """The dates, the person and the session of an appointment as it is, or as it was."""
        self.time(row["provider_id"], Interval(row["start_at"], row["end_at"]))
        self.customers.add(row["person_id"])
        self.visits.add((row["person_id"], row["place_id"]))
        self.sessions.add((row["provider_id"], row["service_id"], row["start_at"]))


def dates(first: date, last: date) -> Iterable[date]:
    """Both included."""
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
