"""Account: the right to sign in, its role and status, and its erasure."""

from datetime import datetime
from uuid import UUID

from domain.kernel import Aggregate, derived_id, event
from domain.people.account_status import AccountDisabled, AccountForgotten, AccountStatus, OwnRole
from domain.personal_data import PersonalData


class Account(Aggregate):
    """The right to sign in. `contact`: an AccountContact, personal data.

    The public id is `account_id` (the token's `sub`, and the customer's id); the stream's id derives from it.
    `address`: the stream of the e-mail address, which makes the address unique. `guests`: the customers it has claimed.
    """

    class Registered(Aggregate.Created):
        by: UUID
        account_id: UUID
        role: str
        address: UUID
        contact: PersonalData

    class ContactChanged(Aggregate.Event):
        by: UUID
        contact: PersonalData

    class AddressChanged(Aggregate.Event):
        by: UUID
        address: UUID
        contact: PersonalData

    class GuestTaken(Aggregate.Event):
        customer_id: UUID

    class RoleChanged(Aggregate.Event):
        by: UUID
        role: str

    class Disabled(Aggregate.Event):
        by: UUID

    class Enabled(Aggregate.Event):
        by: UUID

    class ForgettingAsked(Aggregate.Event):
        by: UUID
        due_at: datetime
        cancel_appointments: bool

    class ForgettingCancelled(Aggregate.Event):
        by: UUID

    class Forgotten(Aggregate.Event):
        by: UUID
        account_id: UUID

    @staticmethod
    def id_of(account_id: UUID) -> UUID:
        return derived_id("account", account_id)

    @event(Registered)
    def __init__(
        self,
        id: UUID,
        by: UUID,
        account_id: UUID,
        role: str,
        address: UUID,
        contact: PersonalData,
        timestamp: datetime,
    ) -> None:
        self.account_id = account_id
        self.role = role
        self.address = address
        self.contact = contact
        self.guests: tuple[UUID, ...] = ()
        self.status = AccountStatus.ACTIVE
        self.forgetting_due: datetime | None = None
        self.cancels_appointments = False

    @property
    def active(self) -> bool:
        return self.status is AccountStatus.ACTIVE

    def check_active(self) -> None:
        """Raise AccountForgotten or AccountDisabled unless the account is active."""
        self.check_known()
        if self.status is AccountStatus.DISABLED:
            raise AccountDisabled

    def check_known(self) -> None:
        """Raise AccountForgotten once the person is erased."""
        if self.status is AccountStatus.FORGOTTEN:
            raise AccountForgotten

    def change_contact(self, by: UUID, contact: PersonalData, now: datetime) -> None:
        """Replace the contact; an unchanged one is not an error. Both must be decrypted."""
        self.check_known()
        if contact != self.contact:
            self._contact_changed(by=by, contact=contact, timestamp=now)

    @event(ContactChanged)
    def _contact_changed(self, by: UUID, contact: PersonalData, timestamp: datetime) -> None:
        self.contact = contact

    def change_address(self, by: UUID, address: UUID, contact: PersonalData, now: datetime) -> None:
        """Replace the e-mail address by another one, which has been verified."""
        self.check_active()
        self.readdress(by, address, contact, now)

    def readdress(self, by: UUID, address: UUID, contact: PersonalData, now: datetime) -> None:
        """Set another stream of the same e-mail address, whether or not the account is active."""
        self.check_known()
        if address != self.address:
            self._address_changed(by=by, address=address, contact=contact, timestamp=now)

    @event(AddressChanged)
    def _address_changed(self, by: UUID, address: UUID, contact: PersonalData, timestamp: datetime) -> None:
        self.address = address
        self.contact = contact

    def take_guest(self, customer_id: UUID, now: datetime) -> None:
        """Claim a guest's record, which is erased with this person from now on."""
        if customer_id not in self.guests:
            self._guest_taken(customer_id=customer_id, timestamp=now)

    @event(GuestTaken)
    def _guest_taken(self, customer_id: UUID, timestamp: datetime) -> None:
        self.guests = (*self.guests, customer_id)

    def change_role(self, by: UUID, role: str, now: datetime) -> None:
        """Change the platform role. Raises OwnRole for the caller's own account."""
        self.check_known()
        if by == self.account_id:
            raise OwnRole
        if role != self.role:
            self._role_changed(by=by, role=role, timestamp=now)

    @event(RoleChanged)
    def _role_changed(self, by: UUID, role: str, timestamp: datetime) -> None:
        self.role = role

    def join_staff(self, role: str, now: datetime) -> None:
        """Take the role that members of organizations have, which the holder of the account has agreed to."""
        self.check_active()
        if role != self.role:
            self._role_changed(by=self.account_id, role=role, timestamp=now)

    def disable(self, by: UUID, now: datetime) -> None:
        """Disable the account; already disabled is not an error. Raises OwnRole for the caller's own account."""
        self.check_known()
        if by == self.account_id:
            raise OwnRole
        if self.status is not AccountStatus.DISABLED:
            self._disabled(by=by, timestamp=now)

    @event(Disabled)
    def _disabled(self, by: UUID, timestamp: datetime) -> None:
        self.status = AccountStatus.DISABLED

    def enable(self, by: UUID, now: datetime) -> None:
        """Enable the account; already active is not an error."""
        self.check_known()
        if self.status is not AccountStatus.ACTIVE:
            self._enabled(by=by, timestamp=now)

    @event(Enabled)
    def _enabled(self, by: UUID, timestamp: datetime) -> None:
        self.status = AccountStatus.ACTIVE

    def ask_forgetting(self, by: UUID, due_at: datetime, *, cancel_appointments: bool, now: datetime) -> None:
        """Schedule erasure at `due_at`, unless it is cancelled before. A second request changes nothing."""
        self.check_known()
        if self.forgetting_due is None:
            self._forgetting_asked(by=by, due_at=due_at, cancel_appointments=cancel_appointments, timestamp=now)

    @event(ForgettingAsked)
    def _forgetting_asked(self, by: UUID, due_at: datetime, cancel_appointments: bool, timestamp: datetime) -> None:
        self.forgetting_due = due_at
        self.cancels_appointments = cancel_appointments

    def cancel_forgetting(self, by: UUID, now: datetime) -> None:
        """Cancel the scheduled erasure."""
        self.check_known()
        if self.forgetting_due is not None:
            self._forgetting_cancelled(by=by, timestamp=now)

    @event(ForgettingCancelled)
    def _forgetting_cancelled(self, by: UUID, timestamp: datetime) -> None:
        self.forgetting_due = None
        self.cancels_appointments = False

    def forget(self, by: UUID, now: datetime) -> None:
        """Record that the person's encryption key is deleted; already erased is not an error."""
        if self.status is not AccountStatus.FORGOTTEN:
            self._forgotten(by=by, account_id=self.account_id, timestamp=now)

    @event(Forgotten)
    def _forgotten(self, by: UUID, account_id: UUID, timestamp: datetime) -> None:
        self.status = AccountStatus.FORGOTTEN
        self.forgetting_due = None
