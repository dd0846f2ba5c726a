"""An appointment of the agenda, with the names of what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.booking.appointment_status import AppointmentStatus
from domain.booking.orphan import MAY_BE_ORPHANS


@dataclass(frozen=True, slots=True)
class ListedAppointment:
    """An appointment as of the snapshot. `cancellation`, `move`: as `ending` and `moving` of the event, with `at`.

    `for_staff`: whether the snapshot's owner acts for its provider, or sees everything. The last three: names and
    contact of what it is about, None where that is not known.
    """

    id: UUID
    version: int
    status: str
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_at: datetime
    timezone: str
    price: int
    currency: str
    policy: dict[str, Any]
    free_cancellation: bool
    overridden: Sequence[str]
    note: str
    answers: dict[str, Any]
    staff_note: str
    external_id: str | None
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    confirmed_provider_id: UUID | None
    confirmed_starts_at: datetime | None
    confirmed_ends_at: datetime | None
    orphaned: dict[str, Any] | None
    cancellation: dict[str, Any] | None
    reason: str
    move: dict[str, Any] | None
    move_reason: str
    move_outcome: str
    for_staff: bool
    service: dict[str, Any] | None
    provider: dict[str, Any] | None
    customer: dict[str, Any] | None

    @property
    def confirmed_place(self) -> Mapping[str, Any] | None:
        """As of the aggregate."""
        confirmed = (self.confirmed_provider_id, self.confirmed_starts_at, self.confirmed_ends_at)
        return None if None in confirmed else dict(zip(("provider_id", "start", "end"), confirmed, strict=True))

    @property
    def rescheduled(self) -> dict[str, Any] | None:
        """As of the aggregate: None without a move."""
        said = {"reason": self.move_reason, "outcome": self.move_outcome}
        return None if self.move is None else {**_read(self.move), **said}

    @property
    def cancelled(self) -> dict[str, Any] | None:
        """As of the aggregate: None unless it is cancelled."""
        return self._ended(AppointmentStatus.CANCELLED)

    @property
    def declined(self) -> dict[str, Any] | None:
        """As of the aggregate: None unless it is declined."""
        return self._ended(AppointmentStatus.DECLINED)

    @property
    def orphan_state(self) -> dict[str, Any] | None:
        """As of the aggregate: None unless it is an orphan that nobody has settled."""
        return None if self.orphaned is None or self.status not in MAY_BE_ORPHANS else _read(self.orphaned)

    def _ended(self, status: AppointmentStatus) -> dict[str, Any] | None:
        there = self.cancellation is not None and self.status == status
        return {**_read(self.cancellation or {}), "reason": self.reason} if there else None


def _read(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a column keeps, its time as a datetime."""
    return {**kept, "at": datetime.fromisoformat(kept["at"])}
