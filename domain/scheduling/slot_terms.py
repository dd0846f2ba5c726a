"""Slot terms: the part of a service's terms that decides which starts are offered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from domain.scheduling.booking_window import BookingWindow
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow
from domain.scheduling.slot_grid import SlotGrid
from domain.scheduling.wallclock import zone


@dataclass(frozen=True, slots=True)
class SlotTerms:
    """The terms that decide about starts, in minutes. Raises ValueError for terms that offer no start at all.

    `service_hours` (0 = Monday) are read in the calendar's zone and intersected with its hours, if not None.
    """

    service_id: UUID
    duration: int
    step: int
    align: Literal["opening", "clock"] = "opening"
    buffer_before: int = 0
    buffer_after: int = 0
    capacity: int = 1
    min_notice: int = 0
    window: BookingWindow | None = None
    service_hours: Mapping[int, tuple[OpeningWindow, ...]] | None = None

    def __post_init__(self) -> None:
        if min(self.duration, self.step, self.capacity) < 1:
            raise ValueError("duration, step and capacity are at least 1")
        if min(self.buffer_before, self.buffer_after, self.min_notice) < 0:
            raise ValueError("buffers and notice are not negative")

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.duration)

    def grid(self, hours: OpeningHours) -> SlotGrid:
        return SlotGrid(timedelta(minutes=self.step), self.align, zone(hours.timezone))

    def stretch(self, start: datetime) -> Interval:
        """The time that an appointment at `start` occupies, buffers included."""
        before, after = timedelta(minutes=self.buffer_before), timedelta(minutes=self.buffer_after)
        return Interval(start - before, start + self.length + after)
