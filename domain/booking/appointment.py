"""Appointment: one service with one provider for one customer at a time, from booking to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from domain.booking.appointment_status import (
    ENDED,
    UNDO_NO_SHOW,
    AppointmentEnded,
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
from domain.booking.placement import Booking, BookingFields, Placed, Placement, PlacementFields
from domain.booking.policy import Policy, cancellable_until, reschedulable_until
from domain.kernel import Aggregate, event
from domain.personal_data import PersonalData


class BookedTerms(NamedTuple):
    """The terms that an appointment keeps from its booking. `price`: in minor units of the currency."""

    price: int
    currency: str
    policy: Policy


@dataclass(frozen=True)
class TermsFields:
    price: int
    currency: str
    policy: Policy


@dataclass(frozen=True)
class _AppointmentFields(TermsFields, PlacementFields, BookingFields):
    """The fields of the events that begin an appointment. `told`: the customer's note and answers."""

    told: PersonalData | None

    def apply(self, appointment: "Appointment") -> None:
        appointment.service_id, appointment.customer_id = self.service_id, self.customer_id
        appointment.placement = self.placement(self.provider_id)
        appointment.price, appointment.currency, appointment.policy = self.price, self.currency, self.policy
        appointment.told = self.told


@dataclass(frozen=True)
class _MoveFields:
    by: UUID
    by_customer: bool
    provider_id: UUID


class Appointment(Placed, Aggregate):
    """One service with one provider for one customer, or one seat of a group session.

    Keeps price and policy as they were when it was booked or moved. Note, answers and reasons are personal data of
    the customer. A request that is not answered keeps its time until `expires_at`.
    """

    class Booked(_AppointmentFields, Aggregate.Created):
        pass

    class Requested(_AppointmentFields, Aggregate.Created):
        expires_at: datetime

        def apply(self, appointment: "Appointment") -> None:
            """As Booked, awaiting approval."""
            super().apply(appointment)
            appointment.status, appointment.expires_at = AppointmentStatus.REQUESTED, self.expires_at

    class Confirmed(Aggregate.Event):
        by: UUID

    class Declined(Aggregate.Event):
        by: UUID
        reason: PersonalData | None

    class Expired(Aggregate.Event):
        pass

    class Noted(Aggregate.Event):
        by: UUID
        told: PersonalData | None

    class Rescheduled(TermsFields, PlacementFields, _MoveFields, Aggregate.Event):
        def apply(self, appointment: "Appointment") -> None:
            appointment.placement = self.placement(self.provider_id)
            appointment.price, appointment.currency, appointment.policy = self.price, self.currency, self.policy
            appointment.reschedules += self.by_customer

    class Cancelled(Aggregate.Event):
        by: UUID
        reason: PersonalData | None
        late: bool
        fee: int

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
        self.status = AppointmentStatus.BOOKED
        self.expires_at: datetime | None = None
        self.reschedules = 0
        self.cancellation: Mapping[str, Any] | None = None
        self.declined_by: UUID | None = None
        self.reason: PersonalData | None = None
        self.missed_at: datetime | None = None

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
        """The members by, reason, late and fee (minor units); None unless it is cancelled."""
        if self.cancellation is None:
            return None
        return {**self.cancellation, "reason": self._why}

    @property
    def declined(self) -> dict[str, Any] | None:
        """The members by and reason; None unless it is declined."""
        return {"by": self.declined_by, "reason": self._why} if self.declined_by else None

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

    def decline(self, by: UUID, reason: str, now: datetime) -> None:
        """Decline the request; already declined is not an error."""
        if self.status is AppointmentStatus.DECLINED:
            return
        self._check_unanswered(now)
        why = PersonalData(self.customer_id, reason) if reason else None
        self._declined(by=by, reason=why, timestamp=now)

    @event(Declined)
    def _declined(self, by: UUID, reason: PersonalData | None, timestamp: datetime) -> None:
        self.status, self.expires_at = AppointmentStatus.DECLINED, None
        self.declined_by, self.reason = by, reason

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
            self._noted(by=by, told=note_of(self.customer_id, note, answers), timestamp=now)

    @event(Noted)
    def _noted(self, by: UUID, told: PersonalData | None, timestamp: datetime) -> None:
        self.told = told

    def reschedule(
        self, by: UUID, placement: Placement, terms: BookedTerms, *, by_customer: bool, now: datetime
    ) -> None:
        """Move to another time or provider, on the service's present terms.

        The policy kept from the booking limits how late and how often a customer may move the appointment.
        """
        self._check_booked()
        if self.status is not AppointmentStatus.BOOKED:
            raise AppointmentEnded("The customer has checked in.")
        if by_customer:
            if now > reschedulable_until(self.policy, self.starts_at):
                raise TooLateToReschedule
            most = self.policy["max_reschedules"]
            if most is not None and self.reschedules >= most:
                raise TooManyReschedules(f"It has been moved {self.reschedules} times.")
        moved = {"by": by, "by_customer": by_customer, **placement._asdict(), **terms._asdict()}
        self.trigger_event(self.Rescheduled, **moved, timestamp=now)

    def cancel(self, by: UUID, reason: str, *, by_customer: bool, now: datetime) -> None:
        """Release the time. A late cancellation is refused or costs the late fee, as the policy says."""
        if self.status is AppointmentStatus.CANCELLED:
            return
        self._check_alive()
        requested = self.status is AppointmentStatus.REQUESTED  # a request is never cancelled late
        late = by_customer and not requested and now > cancellable_until(self.policy, self.starts_at)
        if late and self.policy["late_cancel"] == "refuse":
            raise TooLateToCancel
        fee = self.policy["late_fee"] or 0 if late else 0
        why = PersonalData(self.customer_id, reason) if reason else None
        self._cancelled(by=by, reason=why, late=late, fee=fee, timestamp=now)

    @event(Cancelled)
    def _cancelled(self, by: UUID, reason: PersonalData | None, late: bool, fee: int, timestamp: datetime) -> None:
        self.status, self.expires_at = AppointmentStatus.CANCELLED, None
        self.cancellation = {"by": by, "late": late, "fee": fee}
        self.reason = reason

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

    def _check_started(self, now: datetime) -> None:
        if now < self.starts_at:
            raise TooEarly(f"The appointment starts at {self.starts_at:%Y-%m-%dT%H:%M:%SZ}.")


def note_of(customer_id: UUID, note: str, answers: Mapping[str, Any]) -> PersonalData | None:
    """Note and answers as personal data of the customer; None if both are empty, which needs no key."""
    return PersonalData(customer_id, {"note": note, "answers": dict(answers)}) if note or answers else None
