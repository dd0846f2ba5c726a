"""Appointment: one service with one provider for one customer at a time, from booking to its end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.booking.appointment_fields import BeginFields, BookedTerms, CancelFields, DeclineFields, MoveFields, Reason
from domain.booking.appointment_status import (
    ENDED,
    UNDO_NO_SHOW,
    AppointmentEnded,
    AppointmentStarted,
    AppointmentStatus,
    NotANoShow,
    NotRequested,
    RequestExpired,
    RequestPending,
    TooEarly,
    TooLateToCancel,
    TooLateToReschedule,
    TooManyReschedules,
)
from domain.booking.appointment_text import check_budget, note_of
from domain.booking.origin import Party
from domain.booking.placement import Booking, Move, Placed, Placement, placement_fields
from domain.booking.policy import Policy, cancellable_until, reschedulable_until
from domain.errors import Refusal
from domain.kernel import Aggregate, event
from domain.personal_data import PersonalData


class Appointment(Placed, Aggregate):
    """One service with one provider for one customer, or one seat of a group session.

    Keeps price and policy as they were when it was booked or moved. Note, answers and reasons are personal data of
    the customer. A request that is not answered keeps its time until `expires_at`.
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

    class Declined(DeclineFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.expires_at = AppointmentStatus.DECLINED, None
            appointment.ending, appointment.reason = self.ending(), self.reason

    class Expired(Aggregate.Event):
        pass

    class Noted(Aggregate.Event):
        by: UUID
        told: PersonalData | None

    class Rescheduled(MoveFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.former, appointment.moved_by_customer = appointment.placement, self.by_customer
            appointment.placement = self.placed_with(self.provider_id)
            appointment.price, appointment.currency, appointment.policy = self.price, self.currency, self.policy
            appointment.reschedules += self.by_customer
            appointment.organization_id, appointment.free_cancellation = self.organization_id, self.free_cancellation

    class Cancelled(CancelFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.status, appointment.expires_at = AppointmentStatus.CANCELLED, None
            appointment.ending, appointment.reason = self.ending(), self.reason

    class CheckedIn(Aggregate.Event):
        by: UUID

    class Completed(Aggregate.Event):
        by: UUID

    class NoShow(Aggregate.Event):
        by: UUID

    class NoShowUndone(Aggregate.Event):
        by: UUID

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
        self.organization_id: UUID | None = None
        self.free_cancellation = False
        self.reschedules = 0
        self.former: Placement | None = None
        self.moved_by_customer = False
        self.ending: Mapping[str, Any] = {}
        self.reason: PersonalData | None = None
        self.missed_at: datetime | None = None

    def begin(self, event: BeginFields) -> None:
        """Take over the fields of the first event."""
        self.service_id, self.customer_id = event.service_id, event.customer_id
        self.placement = event.placed_with(event.provider_id)
        self.price, self.currency, self.policy = event.price, event.currency, event.policy
        self.told, self.organization_id = event.told, event.organization_id

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
    def note(self) -> str:
        """Empty while it is encrypted, as all personal data here."""
        return (self.told.get("note") if self.told else None) or ""

    @property
    def answers(self) -> dict[str, Any]:
        return (self.told.get("answers") if self.told else None) or {}

    @property
    def cancelled(self) -> dict[str, Any] | None:
        """The members by, party, reason, reason_code, late and fee (minor units); None unless it is cancelled."""
        return {**self.ending, "reason": self._why} if self.status is AppointmentStatus.CANCELLED else None

    @property
    def declined(self) -> dict[str, Any] | None:
        """The members by, reason and reason_code; None unless it is declined."""
        return {**self.ending, "reason": self._why} if self.status is AppointmentStatus.DECLINED else None

    @property
    def _why(self) -> str:
        return (self.reason.value if self.reason else None) or ""

    def confirm(self, by: UUID, now: datetime) -> None:
        """Accept the request; already booked is not an error."""
        if self.status in {AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN}:
            return
        self._check_unanswered(now)
        self._confirmed(by=by, timestamp=now)

    @event(Confirmed)
    def _confirmed(self, by: UUID, timestamp: datetime) -> None:
        self.status, self.expires_at = AppointmentStatus.BOOKED, None

    def decline(self, by: UUID, reason: Reason, now: datetime) -> None:
        """Decline the request; already declined is not an error."""
        if self.status is AppointmentStatus.DECLINED:
            return
        self._check_unanswered(now)
        self.trigger_event(self.Declined, by=by, **reason.fields(self.customer_id), timestamp=now)

    def expire(self, now: datetime) -> None:
        """Expire a request whose time is over; otherwise do nothing."""
        if self.status is AppointmentStatus.REQUESTED and self.expires_at is not None and self.expires_at <= now:
            self._expired(timestamp=now)

    @event(Expired)
    def _expired(self, timestamp: datetime) -> None:
        self.status, self.expires_at = AppointmentStatus.EXPIRED, None

    def _check_unanswered(self, now: datetime) -> None:
        if self.status is AppointmentStatus.EXPIRED or (self.expires_at is not None and self.expires_at <= now):
            raise RequestExpired
        self._check_alive()
        if self.status is not AppointmentStatus.REQUESTED:
            raise NotRequested(f"Its status is `{self.status}`.")

    def annotate(self, by: UUID, note: str, answers: dict[str, Any], now: datetime) -> None:
        """Change note and answers, which must be decrypted, while the appointment has not ended."""
        self._check_alive()
        if (note, answers) != (self.note, self.answers):
            told = note_of(self.customer_id, note, answers)
            check_budget([each for each in (*self.noted, told) if each is not None])
            self._noted(by=by, told=told, timestamp=now)

    @event(Noted)
    def _noted(self, by: UUID, told: PersonalData | None, timestamp: datetime) -> None:
        self.told, self.noted = told, (*self.noted, told)

    def reschedule(self, by: UUID, move: Move, terms: BookedTerms, *, by_customer: bool, now: datetime) -> None:
        """Move to another time or provider. `terms`: the service's present ones, which a customer agrees to by moving.

        The policy kept from the booking limits how late and how often a customer may move the appointment. After a move
        by staff, price and policy stay, and the customer may cancel at no cost until the start.
        """
        self._check_movable()
        if by_customer:
            self._check_customer_may_move(now)
        agreed = terms if by_customer else BookedTerms(self.price, self.currency, self.policy)
        moved = {"by": by, "by_customer": by_customer, "free_cancellation": not by_customer, "reason": None}
        where = placement_fields(move.placement, move.origin)
        self.trigger_event(self.Rescheduled, **moved, **where, **agreed._asdict(), timestamp=now)

    def customer_may_move(self, now: datetime) -> bool:
        """Whether `reschedule` lets the customer move it now."""
        try:
            self._check_movable()
            self._check_customer_may_move(now)
        except Refusal:
            return False
        return True

    def _check_movable(self) -> None:
        self._check_booked()
        if self.status is not AppointmentStatus.BOOKED:
            raise AppointmentEnded("The customer has checked in.")

    def _check_customer_may_move(self, now: datetime) -> None:
        self._check_not_started(now)
        until = reschedulable_until(self.policy, self.starts_at)
        if now > until:
            raise TooLateToReschedule(f"It can be moved until {until:%Y-%m-%dT%H:%M:%SZ} (`reschedule_notice`).")
        most = self.policy["max_reschedules"]
        if most is not None and self.reschedules >= most:
            raise TooManyReschedules(f"It has been moved {self.reschedules} times (`max_reschedules`: {most}).")

    @property
    def cancellable_until(self) -> datetime:
        """The last instant at which a customer's cancellation is not late."""
        return self.starts_at if self.free_cancellation else cancellable_until(self.policy, self.starts_at)

    def cancel(self, by: UUID, reason: Reason, party: Party, now: datetime) -> None:
        """Release the time. A customer's late cancellation is refused or costs the late fee, as the policy says."""
        if self.status is AppointmentStatus.CANCELLED:
            return
        self._check_alive()
        late = False
        if party is Party.CUSTOMER:
            self._check_not_started(now)
            requested = self.status is AppointmentStatus.REQUESTED  # a request is never cancelled late
            late = not requested and now > self.cancellable_until
        if late and self.policy["late_cancel"] == "refuse":
            until = self.cancellable_until
            raise TooLateToCancel(f"It can be cancelled until {until:%Y-%m-%dT%H:%M:%SZ} (`cancel_notice`).")
        fee = self.policy["late_fee"] or 0 if late else 0
        how = {"late": late, "fee": fee, "party": party.value, **reason.fields(self.customer_id)}
        self.trigger_event(self.Cancelled, by=by, **how, timestamp=now)

    def check_in(self, by: UUID, now: datetime) -> None:
        """The customer has arrived; already checked in is not an error."""
        if self.status is AppointmentStatus.CHECKED_IN:
            return
        self._check_booked()
        self._checked_in(by=by, timestamp=now)

    @event(CheckedIn)
    def _checked_in(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.CHECKED_IN

    def complete(self, by: UUID, now: datetime) -> None:
        """The appointment took place. Raises TooEarly before its start; already completed is not an error."""
        if self.status is AppointmentStatus.COMPLETED:
            return
        self._check_booked()
        self._check_started(now)
        self._completed(by=by, timestamp=now)

    @event(Completed)
    def _completed(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.COMPLETED

    def miss(self, by: UUID, now: datetime) -> None:
        """The customer did not come. Raises TooEarly before the start; already marked is not an error."""
        if self.status is AppointmentStatus.NO_SHOW:
            return
        self._check_booked()
        self._check_started(now)
        self._missed(by=by, timestamp=now)

    @event(NoShow)
    def _missed(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.NO_SHOW
        self.missed_at = timestamp

    def undo_no_show(self, by: UUID, now: datetime) -> None:
        """The customer came after all. Possible within 24 hours of the mark. Raises NotANoShow, AppointmentEnded."""
        if self.status is not AppointmentStatus.NO_SHOW or self.missed_at is None:
            raise NotANoShow
        if now > self.missed_at + UNDO_NO_SHOW:
            raise AppointmentEnded("A no-show can be undone within 24 hours.")
        self._no_show_undone(by=by, timestamp=now)

    @event(NoShowUndone)
    def _no_show_undone(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.BOOKED
        self.missed_at = None

    def _check_alive(self) -> None:
        if self.status in ENDED:
            raise AppointmentEnded(f"Its status is `{self.status}`.", appointment_status=str(self.status))

    def _check_booked(self) -> None:
        self._check_alive()
        if self.status is AppointmentStatus.REQUESTED:
            raise RequestPending

    def _check_not_started(self, now: datetime) -> None:
        if now >= self.starts_at:
            raise AppointmentStarted(f"The appointment started at {self.starts_at:%Y-%m-%dT%H:%M:%SZ}.")

    def _check_started(self, now: datetime) -> None:
        if now < self.starts_at:
            raise TooEarly(f"The appointment starts at {self.starts_at:%Y-%m-%dT%H:%M:%SZ}.")
