"""Appointment: one service with one provider for one customer at a time, from booking to its end."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.booking.appointment_fields import (
    BeginFields,
    BookedTerms,
    CancelFields,
    ConfirmedPlace,
    DeclineFields,
    MoveFields,
    Reason,
    ReturnFields,
)
from domain.booking.appointment_status import AppointmentStatus, TooLateToCancel
from domain.booking.appointment_text import WithTexts
from domain.booking.approval import Approved
from domain.booking.attendance import Attended
from domain.booking.move import Moved, MoveOutcome
from domain.booking.origin import Party
from domain.booking.orphan import OrphanFields
from domain.booking.placement import Booking, Placement
from domain.booking.policy import Policy, cancellable_until
from domain.kernel import Aggregate
from domain.personal_data import PersonalData


class Appointment(Approved, Attended, Moved, WithTexts, Aggregate):
    """One service with one provider for one customer, or one seat of a group session.

    Keeps price and policy as they were when it was booked or moved. Its texts and reasons are personal data of the
    customer. A request that is not answered keeps its time until `expires_at`.
    """

    class Booked(BeginFields, Aggregate.Created):
        def apply(self, appointment: "Appointment") -> None:
            appointment.begin(self)

    class Requested(BeginFields, Aggregate.Created):
        expires_at: datetime

        def apply(self, appointment: "Appointment") -> None:
            """As Booked, awaiting approval."""
            appointment.begin(self)
            appointment.status, appointment.expires_at = AppointmentStatus.REQUESTED, self.expires_at

    class Confirmed(Aggregate.Event):
        by: UUID

        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.expires_at = AppointmentStatus.BOOKED, None
            appointment.confirmed, appointment.overridden, appointment.orphaned = None, [], None
            appointment.settle_move(MoveOutcome.MADE)

    class Declined(DeclineFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.expires_at = AppointmentStatus.DECLINED, None
            appointment.ending, appointment.reason = {**self.ending(), "at": self.timestamp}, self.reason

    class Expired(Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.expires_at = AppointmentStatus.EXPIRED, None

    class Noted(Aggregate.Event):
        by: UUID
        told: PersonalData | None

        def apply(self, appointment: "Appointment") -> None:
            appointment.told, appointment.noted = self.told, (*appointment.noted, self.told)

    class OrphanFound(OrphanFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.orphaned = {"at": self.timestamp, "by": self.by, "choice": self.choice}
            appointment.free_cancellation |= appointment.asked_to_rebook

    class Kept(Aggregate.Event):
        by: UUID
        overridden: list[str]

        def apply(self, appointment: "Appointment") -> None:
            appointment.orphaned, appointment.overridden = None, self.overridden

    class OrphanCleared(Aggregate.Event):
        by: UUID

        def apply(self, appointment: "Appointment") -> None:
            appointment.orphaned = None

    class Rescheduled(MoveFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.former, appointment.moved_by_customer = appointment.placement, self.by_customer
            appointment.reschedules += self.by_customer and not appointment.asked_to_rebook
            appointment.stand(self)
            appointment.orphaned = None
            appointment.overridden = self.placement["overridden"]
            appointment.remember_move(self, self.timestamp, MoveOutcome.MADE)

    class MoveRequested(MoveFields, Aggregate.Event):
        """A customer asks for another time. The confirmed one is kept until the answer."""

        class_version = 1

        expires_at: datetime
        confirmed_provider_id: UUID
        confirmed_starts_at: datetime
        confirmed_ends_at: datetime

        def apply(self, appointment: "Appointment") -> None:
            appointment.confirmed = appointment.standing
            appointment.stand(self)
            appointment.status, appointment.expires_at = AppointmentStatus.REQUESTED, self.expires_at
            appointment.remember_move(self, self.timestamp, MoveOutcome.REQUESTED)
            appointment.reschedules += not appointment.asked_to_rebook

    class MoveDeclined(DeclineFields, ReturnFields, Aggregate.Event):
        class_version = 1

        def apply(self, appointment: "Appointment") -> None:
            appointment.stay(self, MoveOutcome.DECLINED)
            appointment.reason = self.reason

    class MoveExpired(ReturnFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.stay(self, MoveOutcome.EXPIRED)

    class Transferred(Aggregate.Event):
        """The record belongs to another organization from now on."""

        by: UUID
        organization_id: UUID | None

        def apply(self, appointment: "Appointment") -> None:
            appointment.belong_to(self.organization_id)

    class Cancelled(CancelFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.expires_at = AppointmentStatus.CANCELLED, None
            appointment.ending, appointment.reason = {**self.ending(), "at": self.timestamp}, self.reason

    class CheckedIn(Aggregate.Event):
        by: UUID

        def apply(self, appointment: "Appointment") -> None:
            appointment.status = AppointmentStatus.CHECKED_IN

    class Completed(Aggregate.Event):
        by: UUID

        def apply(self, appointment: "Appointment") -> None:
            appointment.status = AppointmentStatus.COMPLETED

    class NoShow(Aggregate.Event):
        by: UUID

        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.missed_at = AppointmentStatus.NO_SHOW, self.timestamp

    class NoShowUndone(Aggregate.Event):
        by: UUID

        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.missed_at = AppointmentStatus.BOOKED, None

    def __init__(self) -> None:
        self.service_id: UUID
        self.customer_id: UUID
        self.price: int
        self.currency: str
        self.policy: Policy
        self.told: PersonalData | None
        self.noted: tuple[PersonalData | None, ...] = ()
        self.status = AppointmentStatus.BOOKED
        self.expires_at: datetime | None = None
        self.confirmed: ConfirmedPlace | None = None
        self.organization_id: UUID | None = None
        self.organization_recorded = False
        self.free_cancellation = False
        self.overridden: Sequence[str] = ()
        self.reschedules = 0
        self.former: Placement | None = None
        self.moved_by_customer = False
        self.ending: Mapping[str, Any] = {}
        self.reason: PersonalData | None = None
        self.move: Mapping[str, Any] = {}
        self.move_reason: PersonalData | None = None
        self.missed_at: datetime | None = None
        self.orphaned: Mapping[str, Any] | None = None

    def begin(self, event: BeginFields) -> None:
        """Take over the fields of the first event."""
        self.service_id, self.customer_id = event.service_id, event.customer_id
        self.placement = event.placed_with(event.provider_id)
        self.price, self.currency, self.policy = event.price, event.currency, event.policy
        self.told, self.organization_id = event.told, event.organization_id
        self.organization_recorded = event.organization_recorded
        self.overridden = event.placement["overridden"]

    @classmethod
    def book(cls, id: UUID, booking: Booking, terms: BookedTerms, told: PersonalData | None, now: datetime) -> Self:
        """A new appointment. `told`: see `note_of`."""
        return cls._create(cls.Booked, id=id, **booking.fields(), **terms._asdict(), told=told, timestamp=now)

    @classmethod
    def request(
        cls,
        id: UUID,
        booking: Booking,
        terms: BookedTerms,
        told: PersonalData | None,
        expires_at: datetime,
        now: datetime,
    ) -> Self:
        """A request for an appointment, where the service needs approval. It expires at its start at the latest."""
        return cls._create(
            cls.Requested,
            id=id,
            **booking.fields(),
            **terms._asdict(),
            told=told,
            expires_at=min(expires_at, booking.placement.starts_at),
            timestamp=now,
        )

    @property
    def cancellable_until(self) -> datetime:
        """The last instant at which a customer's cancellation is not late."""
        placement, terms, _, _, free = self.standing
        return placement.starts_at if free else cancellable_until(terms.policy, placement.starts_at)

    def cancel(self, by: UUID, reason: Reason, party: Party, now: datetime) -> None:
        """Release the time. A customer's late cancellation is refused or costs the late fee, as the policy says."""
        if self.status is AppointmentStatus.CANCELLED:
            return
        self._check_alive()
        late, policy = False, self.standing.terms.policy
        if party is Party.CUSTOMER:
            self._check_not_started(now)
            # A request is never cancelled late, unless it asks to move what was confirmed before.
            asked_only = self.status is AppointmentStatus.REQUESTED and self.confirmed is None
            late = not asked_only and now > self.cancellable_until
        if late and policy["late_cancel"] == "refuse":
            until = self.cancellable_until
            raise TooLateToCancel(f"It can be cancelled until {until:%Y-%m-%dT%H:%M:%SZ} (`cancel_notice`).")
        fee = policy["late_fee"] or 0 if late else 0
        how = {"late": late, "fee": fee, "party": party.value, **reason.fields(self.customer_id)}
        self.trigger_event(self.Cancelled, by=by, **how, timestamp=now)
