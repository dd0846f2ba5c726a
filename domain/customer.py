"""Customer: somebody who books, or for whom staff book."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event


class CustomerDeleted(Conflict):
    """This customer's record has ended."""


class CustomerExists(Conflict):
    """This customer is already known."""


class Customer(Aggregate):
    """Somebody who books. Name, e-mail, phone and note are personal."""

    class Registered(Aggregate.Created):
        by: UUID
        name: str
        email: str | None
        phone: str | None
        timezone: str | None
        note: str

    class Changed(Aggregate.Event):
        by: UUID
        name: str
        email: str | None
        phone: str | None
        timezone: str | None
        note: str

    class Shared(Aggregate.Event):
        by: UUID
        organization_id: UUID

    class Deleted(Aggregate.Event):
        by: UUID

    @event(Registered)
    def __init__(
        self,
        id: UUID,
        by: UUID,
        name: str,
        email: str | None,
        phone: str | None,
        timezone: str | None,
        note: str,
        timestamp: datetime,
    ) -> None:
        self.registered_by = by
        self.name, self.email, self.phone, self.timezone, self.note = name, email, phone, timezone, note
        self.organization_id: UUID | None = None
        self.deleted = False

    def change(self, by: UUID, details: dict[str, Any], now: datetime) -> None:
        """Replace some of name, email, phone, timezone, note; nothing happens if all stay."""
        if self.deleted:
            raise CustomerDeleted
        current = {k: getattr(self, k) for k in ("name", "email", "phone", "timezone", "note")}
        if {**current, **details} != current:
            self._changed(by=by, **{**current, **details}, timestamp=now)

    @event(Changed)
    def _changed(
        self,
        by: UUID,
        name: str,
        email: str | None,
        phone: str | None,
        timezone: str | None,
        note: str,
        timestamp: datetime,
    ) -> None:
        self.name, self.email, self.phone, self.timezone, self.note = name, email, phone, timezone, note

    def share(self, by: UUID, organization_id: UUID, now: datetime) -> None:
        """Known to the members of an organization from now on."""
        if organization_id != self.organization_id:
            self._shared(by=by, organization_id=organization_id, timestamp=now)

    @event(Shared)
    def _shared(self, by: UUID, organization_id: UUID, timestamp: datetime) -> None:
        self.organization_id = organization_id

    def delete(self, by: UUID, now: datetime) -> None:
        """End it for the future; history stays."""
        if not self.deleted:
            self._deleted(by=by, timestamp=now)

    @event(Deleted)
    def _deleted(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = True
