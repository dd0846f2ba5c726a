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


class GuestClaimed(Conflict):
    """This guest belongs to another account."""


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

    class Deleted(Aggregate.Event):
        by: UUID

    class AddressNoted(Aggregate.Event):
        address: UUID | None

    class Claimed(Aggregate.Event):
        account_id: UUID

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
        self.deleted = False
        self.address: UUID | None = None
        self.claimed_by: UUID | None = None

    @property
    def is_guest(self) -> bool:
        """Entered by staff, and nobody's own record so far."""
        return self.registered_by != self.id and self.claimed_by is None

    @property
    def owners(self) -> tuple[UUID, ...]:
        """The accounts whose own record it is."""
        return (self.id,) if self.claimed_by is None else (self.id, self.claimed_by)

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

    def delete(self, by: UUID, now: datetime) -> None:
        """End it for the future; history stays."""
        if not self.deleted:
            self._deleted(by=by, timestamp=now)

    @event(Deleted)
    def _deleted(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = True

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
