"""Customer: somebody who books, or for whom staff book."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.personal_data import PersonalData

DETAILS = ("name", "email", "phone", "timezone", "note")


class CustomerDeleted(Conflict):
    """This customer's record has ended."""


class CustomerExists(Conflict):
    """This customer is already known."""


class GuestClaimed(Conflict):
    """This guest belongs to another account."""


class Customer(Aggregate):
    """Somebody who books. `details` are personal: name, email, phone, timezone, note."""

    class Registered(Aggregate.Created):
        by: UUID
        details: PersonalData

    class Changed(Aggregate.Event):
        by: UUID
        details: PersonalData

    class Shared(Aggregate.Event):
        by: UUID
        organization_id: UUID

    class Deleted(Aggregate.Event):
        by: UUID

    class Forgotten(Aggregate.Event):
        by: UUID

    class AddressNoted(Aggregate.Event):
        address: UUID | None

    class Claimed(Aggregate.Event):
        account_id: UUID

    @event(Registered)
    def __init__(self, id: UUID, by: UUID, details: PersonalData, timestamp: datetime) -> None:
        self.registered_by = by
        self.details = details
        self.organization_id: UUID | None = None
        self.deleted = False
        self.forgotten = False
        self.address: UUID | None = None
        self.claimed_by: UUID | None = None

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

    @property
    def is_guest(self) -> bool:
        """Entered by staff, and nobody's own record so far."""
        return self.registered_by != self.id and self.claimed_by is None

    @property
    def owners(self) -> tuple[UUID, ...]:
        """The accounts whose own record it is."""
        return (self.id,) if self.claimed_by is None else (self.id, self.claimed_by)

    def change(self, by: UUID, details: dict[str, Any], now: datetime) -> None:
        """Replace some of the details, which must be open; nothing happens if all stay."""
        if self.deleted:
            raise CustomerDeleted
        current = self.details.value or {}
        if {**current, **details} != current:
            self._changed(by=by, details=PersonalData(self.id, {**current, **details}), timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, details: PersonalData, timestamp: datetime) -> None:
        self.details = details

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

    def forget(self, by: UUID, now: datetime) -> None:
        """The record that this person's key is gone; it ends with that. Already so is not an error."""
        if not self.forgotten:
            self._forgotten(by=by, timestamp=now)

    @event(Forgotten)
    def _forgotten(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = self.forgotten = True

    def note_address(self, address: UUID | None, now: datetime) -> None:
        """By which e-mail address's stream a guest is found."""
        if address != self.address:
            self._address_noted(address=address, timestamp=now)

    @event(AddressNoted)
    def _address_noted(self, address: UUID | None, timestamp: datetime) -> None:
        self.address = address

    def claim(self, account_id: UUID, now: datetime) -> None:
        """It is this account's own record from now on. Raises GuestClaimed; already so is not an error."""
        if account_id in self.owners:
            return
        if self.deleted:
            raise CustomerDeleted
        if not self.is_guest:
            raise GuestClaimed
        self._claimed(account_id=account_id, timestamp=now)

    @event(Claimed)
    def _claimed(self, account_id: UUID, timestamp: datetime) -> None:
        self.claimed_by = account_id
