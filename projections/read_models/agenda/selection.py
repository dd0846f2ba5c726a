"""The appointments that a list is asked for, and their order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class AppointmentFilter:
    """The wanted appointments of a list: starting in [since, until), of one of the `statuses` and of
    one of the providers; None: any.

    `overlapping`: also those that last beyond `since`. `updated_since`: changed at that instant or later. `orphaned`:
    only those that lie outside the opening hours and that nobody has settled.
    """

    since: datetime | None = None
    until: datetime | None = None
    overlapping: bool = False
    updated_since: datetime | None = None
    statuses: Collection[str] | None = None
    service_id: UUID | None = None
    external_id: str | None = None
    provider_ids: Collection[UUID] | None = None
    customer_id: UUID | None = None
    organization_id: UUID | None = None
    orphaned: bool = False


EVERY = AppointmentFilter()


class AppointmentOrder(StrEnum):
    """The orders of a list; a minus: the latest first."""

    START = "start"
    LATEST_START = "-start"
    UPDATED = "updated"
    LATEST_UPDATED = "-updated"
    CREATED = "created"
    LATEST_CREATED = "-created"
