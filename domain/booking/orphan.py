"""Orphans: upcoming appointments that a change of opening hours has left outside them, and what becomes of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.booking.appointment_fields import ConfirmedPlace
from domain.booking.appointment_status import AppointmentStatus, WithStatus
from domain.booking.origin import OverridableRule
from domain.booking.placement import Placed
from domain.errors import Conflict
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, covers

MAY_BE_ORPHANS = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.REQUESTED})


class NotAnOrphan(Conflict):
    """This appointment lies within the opening hours."""


class OrphanChoice(StrEnum):
    """What becomes of an orphan. KEEP: it takes place outside the hours; REBOOK: its customer chooses another time."""

    KEEP = "keep"
    CANCEL = "cancel"
    REBOOK = "rebook"


@dataclass(frozen=True)
class OrphanFields:
    """`choice`: REBOOK, or None while staff have not decided."""

    by: UUID
    choice: str | None


class Orphaned(WithStatus, Placed):
    """The commands on an appointment that lies outside the opening hours.

    `orphaned`: the members at, by and choice; None unless it lay outside the hours and nobody had settled that.
    """

    OrphanFound: ClassVar[type[Any]]
    Kept: ClassVar[type[Any]]
    OrphanCleared: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    confirmed: ConfirmedPlace | None
    overridden: Sequence[str]
    orphaned: Mapping[str, Any] | None

    @property
    def asked_to_rebook(self) -> bool:
        """Whether its customer was asked to choose another time: the limits of moves and cancellations do not count."""
        return self.orphaned is not None and self.orphaned["choice"] == OrphanChoice.REBOOK

    @property
    def orphan_state(self) -> Mapping[str, Any] | None:
        """The members at, by and choice of an orphan that nobody has settled; None otherwise."""
        return self.orphaned if self.status in MAY_BE_ORPHANS else None

    def may_be_orphan(self, now: datetime) -> bool:
        """Whether it lies ahead, and staff have not set the hours aside for it."""
        return self.status in MAY_BE_ORPHANS and self.starts_at > now and OverridableRule.HOURS not in self.overridden

    def lies_outside(self, hours: OpeningHours) -> bool:
        """Whether it does not fit into the hours. Buffers may lie outside, as they may when it is booked."""
        return not covers(hours, Interval(self.starts_at, self.ends_at))

    def orphan(self, by: UUID, choice: OrphanChoice | None, now: datetime) -> None:
        """Record that it lies outside the hours; already recorded with this choice is not an error.

        A request is for staff to answer: its customer is not asked to choose another time.
        """
        chosen = choice if self.status is AppointmentStatus.BOOKED else None
        if self.orphaned is None or chosen not in {None, self.orphaned["choice"]}:
            self.trigger_event(self.OrphanFound, by=by, choice=chosen and chosen.value, timestamp=now)

    def ask_to_rebook(self, by: UUID, now: datetime) -> None:
        """Ask the customer to choose another time. Raises NotAnOrphan, and RequestPending for a request."""
        self._check_booked()
        if self.orphan_state is None:
            raise NotAnOrphan
        self.orphan(by, OrphanChoice.REBOOK, now)

    def keep(self, by: UUID, now: datetime) -> None:
        """Set the hours aside for it; already kept is not an error. Raises NotAnOrphan."""
        self._check_alive()
        if OverridableRule.HOURS in self.overridden:
            return
        if self.orphan_state is None:
            raise NotAnOrphan
        aside = {*self.overridden, OverridableRule.HOURS.value}
        overridden = [rule.value for rule in OverridableRule if rule.value in aside]
        self.trigger_event(self.Kept, by=by, overridden=overridden, timestamp=now)

    def clear_orphan(self, by: UUID, now: datetime) -> None:
        """Record that it lies within the hours again; nothing unless it was an orphan."""
        if self.orphaned is not None:
            self.trigger_event(self.OrphanCleared, by=by, timestamp=now)
