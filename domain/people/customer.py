"""Customer: a person who books, or for whom staff book."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.external_fields import ExternalFields
from domain.kernel import Aggregate, event
from domain.people.consent import Consent, ConsentFields, WithConsents
from domain.people.staff_note import WithStaffNote
from domain.personal_data import PersonalData


class CustomerDetails(ExternalFields):
    """Personal data of the customer. `timezone`: an IANA name; the external fields are erased with the others."""

    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str


_DEFAULTS: Mapping[str, Any] = {"external_id": None, "metadata": {}}  # what early versions lack


class CustomerDeleted(Conflict):
    """This customer has been deleted."""


class CustomerExists(Conflict):
    """This customer exists already."""


class GuestClaimed(Conflict):
    """This guest belongs to another account."""


class CustomerMerged(Conflict):
    """This customer has been merged into another."""


class SameCustomer(Conflict):
    """A customer can't be merged into itself."""


class NotOfOneKeeper(Conflict):
    """Only customers whose records one business keeps can be merged, and not those of accounts."""


class Customer(WithConsents, WithStaffNote, Aggregate):
    """A person who books. `details`: CustomerDetails, personal data."""

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

    class StaffNoted(Aggregate.Event):
        by: UUID
        note: PersonalData | None

        def apply(self, customer: "Customer") -> None:
            customer.keep_staff_note(self.note)

    class ConsentGiven(ConsentFields, Aggregate.Event):
        def apply(self, customer: "Customer") -> None:
            customer.keep_consent(self)

    class ConsentWithdrawn(Aggregate.Event):
        by: UUID
        consent_id: UUID
        withdrawn_at: datetime

        def apply(self, customer: "Customer") -> None:
            customer.end_consent(self.consent_id, self.by, self.withdrawn_at)

    class Merged(Aggregate.Event):
        """The record is of the same person as another one, which stands for it from now on."""

        by: UUID
        into: UUID

        def apply(self, customer: "Customer") -> None:
            customer.deleted, customer.merged_into = True, self.into

    class Absorbed(Aggregate.Event):
        """Another record is of the same person, and ends."""

        by: UUID
        customer_id: UUID

        def apply(self, customer: "Customer") -> None:
            customer.absorbed = (*customer.absorbed, self.customer_id)

    @event(Registered)
    def __init__(self, id: UUID, by: UUID, details: PersonalData, timestamp: datetime) -> None:
        self.registered_by = by
        self.details = details
        self.organization_id: UUID | None = None
        self.deleted = False
        self.forgotten = False
        self.address: UUID | None = None
        self.claimed_by: UUID | None = None
        self.merged_into: UUID | None = None
        self.absorbed: tuple[UUID, ...] = ()
        self.staff_told: PersonalData | None = None
        self.staff_notes: tuple[PersonalData | None, ...] = ()
        self.consents: Mapping[UUID, Consent] = {}
        self.consent_texts: Mapping[UUID, PersonalData] = {}

    @property
    def name(self) -> str:
        """Empty while it is encrypted, as all personal data here."""
        return self.details.get("name") or ""

    @property
    def email(self) -> str | None:
        return self._detail("email")

    @property
    def phone(self) -> str | None:
        return self._detail("phone")

    @property
    def timezone(self) -> str | None:
        return self._detail("timezone")

    def _detail(self, name: str) -> str | None:
        value: str | None = self.details.get(name)
        return value

    @property
    def note(self) -> str:
        return self.details.get("note") or ""

    @property
    def external_id(self) -> str | None:
        return self._detail("external_id")

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.details.get("metadata") or {}

    @property
    def is_guest(self) -> bool:
        """Whether staff entered the customer and no account has claimed it."""
        return self.registered_by != self.id and self.claimed_by is None

    @property
    def owners(self) -> tuple[UUID, ...]:
        """The accounts that this customer belongs to."""
        return (self.id,) if self.claimed_by is None else (self.id, self.claimed_by)

    def change(self, by: UUID, changes: Mapping[str, Any], now: datetime) -> None:
        """Replace some of the details, which must be decrypted; unchanged details are not an error."""
        if self.deleted:
            raise CustomerDeleted
        current = {**_DEFAULTS, **(self.details.value or {})}
        if {**current, **changes} != current:
            self._changed(by=by, details=PersonalData(self.id, {**current, **changes}), timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, details: PersonalData, timestamp: datetime) -> None:
        self.details = details

    def share(self, by: UUID, organization_id: UUID, now: datetime) -> None:
        """Show the customer to the members of an organization."""
        if organization_id != self.organization_id:
            self._shared(by=by, organization_id=organization_id, timestamp=now)

    @event(Shared)
    def _shared(self, by: UUID, organization_id: UUID, timestamp: datetime) -> None:
        self.organization_id = organization_id

    def delete(self, by: UUID, now: datetime) -> None:
        """End the customer for new bookings; already deleted is not an error."""
        if not self.deleted:
            self._deleted(by=by, timestamp=now)

    @event(Deleted)
    def _deleted(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = True

    def forget(self, by: UUID, now: datetime) -> None:
        """Record that the person's encryption key is deleted; already erased is not an error."""
        if not self.forgotten:
            self._forgotten(by=by, timestamp=now)

    @event(Forgotten)
    def _forgotten(self, by: UUID, timestamp: datetime) -> None:
        self.deleted = self.forgotten = True

    def note_address(self, address: UUID | None, now: datetime) -> None:
        """Set the stream of the e-mail address by which a guest is found."""
        if address != self.address:
            self._address_noted(address=address, timestamp=now)

    @event(AddressNoted)
    def _address_noted(self, address: UUID | None, timestamp: datetime) -> None:
        self.address = address

    def claim(self, account_id: UUID, now: datetime) -> None:
        """Give the guest's record to an account. Raises GuestClaimed; already claimed by it is not an error."""
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

    def merge(self, by: UUID, into: "Customer", now: datetime) -> None:
        """End this guest's record: `into` is of the same person. Both streams record it.

        Raises SameCustomer, CustomerMerged, CustomerDeleted, GuestClaimed, NotOfOneKeeper.
        """
        if into.id == self.id:
            raise SameCustomer
        for each in (self, into):
            if each.deleted:
                raise CustomerDeleted if each.merged_into is None else CustomerMerged
        if self.claimed_by is not None:
            raise GuestClaimed
        if self.kept_by != into.kept_by or into.registered_by == into.id or not self.is_guest:
            raise NotOfOneKeeper
        into.trigger_event(self.Absorbed, by=by, customer_id=self.id, timestamp=now)
        self.trigger_event(self.Merged, by=by, into=into.id, timestamp=now)

    @property
    def kept_by(self) -> UUID:
        """The organization that keeps the record; without one, the account that registered the customer."""
        return self.organization_id or self.registered_by
