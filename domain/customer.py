"""Customer: somebody who books, or for whom staff book."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.personal import Personal

DETAILS = ("name", "email", "phone", "timezone", "note")


class CustomerDeleted(Conflict):
    """This customer's record has ended."""


class CustomerExists(Conflict):
    """This customer is already known."""


class Customer(Aggregate):
    """Somebody who books. `details` are personal: name, email, phone, timezone, note."""

    class Registered(Aggregate.Created):
        by: UUID
        details: Personal

    class Changed(Aggregate.Event):
        by: UUID
        details: Personal

    class Deleted(Aggregate.Event):
        by: UUID

    class Forgotten(Aggregate.Event):
        by: UUID

    @event(Registered)
    def __init__(self, id: UUID, by: UUID, details: Personal, timestamp: datetime) -> None:
        self.registered_by = by
        self.details = details
        self.deleted = False
        self.forgotten = False

    @property
    def name(self) -> str:
        """Empty while it is sealed, as everything personal here."""
        return self.details.get("name") or ""

    @property
    def email(self) -> str | None:
        told: str | None = self.details.get("email")
        return told

    @property
    def phone(self) -> str | None:
        told: str | None = self.details.get("phone")
        return told

    @property
    def timezone(self) -> str | None:
        told: str | None = self.details.get("timezone")
        return told

    @property
    def note(self) -> str:
        return self.details.get("note") or ""

    def change(self, by: UUID, details: dict[str, Any], now: datetime) -> None:
        """Replace some of the details, which must be open; nothing happens if all stay."""
        if self.deleted:
            raise CustomerDeleted
        current = self.details.value or {}
        if {**current, **details} != current:
            self._changed(by=by, details=Personal(self.id, {**current, **details}), timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, details: Personal, timestamp: datetime) -> None:
        self.details = details

    def delete(self, by: UUID, now: datetime) -> None:
        """End it for the future; history stays."""
        if not self.deleted:
            self._deleted(by=by, timestamp=now)

    @event(Deleted)
    def _deleted(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = True

    def forget(self, by: UUID, now: datetime) -> None:
        """The record that this person's key is gone; it ends with that. Already so is not an error."""
        if not self.forgotten:
            self._forgotten(by=by, timestamp=now)

    @event(Forgotten)
    def _forgotten(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = self.forgotten = True
