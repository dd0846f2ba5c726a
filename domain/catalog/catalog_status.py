"""The states of a service and of a provider, and the commands between them."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.errors import Conflict


class CatalogStatus(StrEnum):
    """PAUSED: takes no new bookings and is not listed, until it is resumed. ENDED: for good. What is booked stays."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Pausable:
    """The commands that pause and resume, and their guards. `ended_refusal`, `paused_refusal`: raised by the guards."""

    Paused: ClassVar[type[Any]]
    Resumed: ClassVar[type[Any]]
    ended_refusal: ClassVar[type[Conflict]]
    paused_refusal: ClassVar[type[Conflict]]
    trigger_event: Callable[..., None]
    status: CatalogStatus

    @property
    def active(self) -> bool:
        """Whether it takes bookings."""
        return self.status is CatalogStatus.ACTIVE

    def pause(self, by: UUID, now: datetime) -> None:
        """Take no new bookings until `resume`; already paused is not an error. Raises the refusal of an ended one."""
        self.check_not_ended()
        if self.active:
            self.trigger_event(self.Paused, by=by, timestamp=now)

    def resume(self, by: UUID, now: datetime) -> None:
        """Take bookings again; already active is not an error. Raises the refusal of an ended one."""
        self.check_not_ended()
        if self.status is CatalogStatus.PAUSED:
            self.trigger_event(self.Resumed, by=by, timestamp=now)

    def check_not_ended(self) -> None:
        """Raise the refusal of what has ended."""
        if self.status is CatalogStatus.ENDED:
            raise self.ended_refusal

    def check_active(self) -> None:
        """Raise a refusal unless it takes bookings."""
        self.check_not_ended()
        if self.status is CatalogStatus.PAUSED:
            raise self.paused_refusal
