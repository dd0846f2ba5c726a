"""Address: one e-mail address, stored as a keyed hash. It makes accounts unique, and finds guests."""

from datetime import datetime
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event


class AddressTaken(Conflict):
    """This e-mail address belongs to another account."""


class Address(Aggregate):
    """The account that an e-mail address belongs to, and the guests that staff entered with it.

    Its id is a keyed hash, so that the log does not reveal the address.
    """

    class Noted(Aggregate.Created):
        pass

    class Claimed(Aggregate.Event):
        account_id: UUID

    class Released(Aggregate.Event):
        account_id: UUID

    class GuestNoted(Aggregate.Event):
        customer_id: UUID

    class GuestLeft(Aggregate.Event):
        customer_id: UUID

    class OptionalMailsSet(Aggregate.Event):
        wanted: bool

    @event(Noted)
    def __init__(self, id: UUID, timestamp: datetime) -> None:
        self.holder: UUID | None = None
        self.guests: tuple[UUID, ...] = ()
        self.optional_mails = True

    def claim(self, account_id: UUID, now: datetime) -> None:
        """Give the address to an account. Raises AddressTaken; already given to it is not an error."""
        if self.holder == account_id:
            return
        if self.holder is not None:
            raise AddressTaken
        self._claimed(account_id=account_id, timestamp=now)

    @event(Claimed)
    def _claimed(self, account_id: UUID, timestamp: datetime) -> None:
        self.holder = account_id

    def release(self, account_id: UUID, now: datetime) -> None:
        """Free the address, if it belongs to the account."""
        if self.holder == account_id:
            self._released(account_id=account_id, timestamp=now)

    @event(Released)
    def _released(self, account_id: UUID, timestamp: datetime) -> None:
        self.holder = None

    def note_guest(self, customer_id: UUID, now: datetime) -> None:
        """Add a guest that staff entered with this address."""
        if customer_id not in self.guests:
            self._guest_noted(customer_id=customer_id, timestamp=now)

    @event(GuestNoted)
    def _guest_noted(self, customer_id: UUID, timestamp: datetime) -> None:
        self.guests = (*self.guests, customer_id)

    def drop_guest(self, customer_id: UUID, now: datetime) -> None:
        """Remove a guest that has another address, is claimed or is deleted."""
        if customer_id in self.guests:
            self._guest_left(customer_id=customer_id, timestamp=now)

    @event(GuestLeft)
    def _guest_left(self, customer_id: UUID, timestamp: datetime) -> None:
        self.guests = tuple(each for each in self.guests if each != customer_id)

    def set_optional_mails(self, now: datetime, *, wanted: bool) -> None:
        """Set whether its guests get reminders and offers; the same setting again is not an error."""
        if wanted is not self.optional_mails:
            self._optional_mails_set(wanted=wanted, timestamp=now)

    @event(OptionalMailsSet)
    def _optional_mails_set(self, wanted: bool, timestamp: datetime) -> None:
        self.optional_mails = wanted
