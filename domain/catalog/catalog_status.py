"""The states of a service and of a provider."""

from enum import StrEnum


class CatalogStatus(StrEnum):
    """PAUSED: takes no new bookings and is not listed, until it is resumed. ENDED: for good. What is booked stays."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
