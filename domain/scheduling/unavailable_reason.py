"""The reasons why a start is not offered: those of the catalog, then the rules of availability."""

from enum import StrEnum
from typing import Self

from domain.scheduling.availability import Rule


class UnavailableReason(StrEnum):
    """Why a start is not offered: of several reasons, the first in this order. From PAST on the rules of Rule."""

    NOT_OFFERED_BY = "not-offered-by"
    WITHDRAWN = "withdrawn"
    INACTIVE = "inactive"
    PAST = "past"
    NOTICE = "notice"
    WINDOW = "window"
    TIME_OFF = "time-off"
    CLOSED = "closed"
    GRID = "grid"
    TAKEN = "taken"
    FULL = "full"

    @property
    def detail(self) -> str:
        """The reason as a sentence."""
        return _DETAILS[self]

    @property
    def place(self) -> int:
        """Its place in the order. A later one is nearer to an offer."""
        return _ORDER.index(self)

    @classmethod
    def of(cls, rule: Rule | None) -> Self | None:
        return None if rule is None else cls(rule.value)


_ORDER = tuple(UnavailableReason)
_DETAILS = {
    UnavailableReason.NOT_OFFERED_BY: "This provider does not offer this service.",
    UnavailableReason.WITHDRAWN: "This service takes no new bookings.",
    UnavailableReason.INACTIVE: "This provider takes no new bookings.",
    UnavailableReason.PAST: "This start lies in the past.",
    UnavailableReason.NOTICE: "This start is sooner than the notice that the service needs.",
    UnavailableReason.WINDOW: "This start lies outside the booking window.",
    UnavailableReason.TIME_OFF: "The provider has time off then.",
    UnavailableReason.CLOSED: "This time lies outside opening hours.",
    UnavailableReason.GRID: "Appointments do not start at this minute.",
    UnavailableReason.TAKEN: "This time, buffers included, is not free.",
    UnavailableReason.FULL: "All places of this start are taken.",
}
