"""Appointment: a customer's promise to be somewhere at a time, and its life."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.personal import Personal


class AppointmentEnded(Conflict):
    """This appointment has ended and can't be changed."""


class TooLateToCancel(Conflict):
    """It is too late to cancel."""


class TooLateToReschedule(Conflict):
    """It is too late to reschedule."""


class TooManyReschedules(Conflict):
    """This appointment can't be moved any more."""


class TooEarly(Conflict):
    """This can only be recorded later."""


class Status(StrEnum):
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


ENDED = frozenset({Status.COMPLETED, Status.NO_SHOW, Status.CANCELLED})
UNDO_NO_SHOW = timedelta(hours=24)


class Appointment(Aggregate):
    """One service with one provider for one customer, or one seat of several.

    Keeps price and policy as they were when it was booked or moved. What is told is personal to the customer:
    note and answers, and the reason why it was cancelled.
    """

    class Booked(Aggregate.Created):
        by: UUID
        service_id: UUID
        provider_id: UUID
        customer_id: UUID
        starts_at: datetime
        duration: int
        buffer_before: int
        buffer_after: int
        timezone: str
        price: int
        currency: str
        policy: dict[str, Any]
        told: Personal | None

    class Noted(Aggregate.Event):
        by: UUID
        told: Personal | None

    class Rescheduled(Aggregate.Event):
        by: UUID
        by_customer: bool
        provider_id: UUID
        starts_at: datetime
        duration: int
        buffer_before: int
        buffer_after: int
        timezone: str
        price: int
        currency: str
        policy: dict[str, Any]

    class Cancelled(Aggregate.Event):
        by: UUID
        reason: Personal | None
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

    @event(Booked)
    def __init__(
        self,
        id: UUID,
        by: UUID,
        service_id: UUID,
        provider_id: UUID,
        customer_id: UUID,
        starts_at: datetime,
        duration: int,
        buffer_before: int,
        buffer_after: int,
        timezone: str,
        price: int,
        currency: str,
        policy: dict[str, Any],
        told: Personal | None,
        timestamp: datetime,
    ) -> None:
        self.service_id, self.provider_id, self.customer_id = service_id, provider_id, customer_id
        self._take_place(starts_at, duration, buffer_before, buffer_after, timezone)
        self.price, self.currency, self.policy = price, currency, policy
        self.told = told
        self.status = Status.BOOKED
        self.reschedules = 0
        self.cancellation: dict[str, Any] | None = None
        self.reason: Personal | None = None
        self.missed_at: datetime | None = None

    def _take_place(self, starts_at: datetime, duration: int, before: int, after: int, timezone: str) -> None:
        self.starts_at, self.ends_at = starts_at, starts_at + timedelta(minutes=duration)
        self.since, self.until = (
            starts_at - timedelta(minutes=before),
            self.ends_at + timedelta(minutes=after),
        )
        self.timezone = timezone

    @property
    def note(self) -> str:
        """Empty while it is sealed, as everything personal here."""
        return (self.told.get("note") if self.told else None) or ""

    @property
    def answers(self) -> dict[str, Any]:
        return (self.told.get("answers") if self.told else None) or {}

    @property
    def cancelled(self) -> dict[str, Any] | None:
        """By whom, why, whether late, at what fee; None unless it is cancelled."""
        if self.cancellation is None:
            return None
        return {**self.cancellation, "reason": (self.reason.value if self.reason else None) or ""}

    def annotate(self, by: UUID, note: str, answers: dict[str, Any], now: datetime) -> None:
        """Change note and answers, which must be open, while it has not ended."""
        self._check_alive()
        if (note, answers) != (self.note, self.answers):
            self._noted(by=by, told=said(self.customer_id, note, answers), timestamp=now)

    @event(Noted)
    def _noted(self, by: UUID, told: Personal | None, timestamp: datetime) -> None:
        self.told = told

    def reschedule(self, by: UUID, *, by_customer: bool, place: dict[str, Any], now: datetime) -> None:
        """Move to another time or provider. `place`: the fields of Rescheduled, price and policy renewed.

        A customer is held to the notice and the number of moves of the snapshot.
        """
        self._check_alive()
        if self.status is not Status.BOOKED:
            raise AppointmentEnded("It has begun.")
        if by_customer:
            if now > self.starts_at - timedelta(minutes=self.policy["reschedule_notice"]):
                raise TooLateToReschedule
            most = self.policy["max_reschedules"]
            if most is not None and self.reschedules >= most:
                raise TooManyReschedules(f"It has been moved {self.reschedules} times.")
        self._rescheduled(by=by, by_customer=by_customer, **place, timestamp=now)

    @event(Rescheduled)
    def _rescheduled(
        self,
        by: UUID,
        by_customer: bool,
        provider_id: UUID,
        starts_at: datetime,
        duration: int,
        buffer_before: int,
        buffer_after: int,
        timezone: str,
        price: int,
        currency: str,
        policy: dict[str, Any],
        timestamp: datetime,
    ) -> None:
        self.provider_id = provider_id
        self._take_place(starts_at, duration, buffer_before, buffer_after, timezone)
        self.price, self.currency, self.policy = price, currency, policy
        self.reschedules += by_customer

    def cancel(self, by: UUID, reason: str, *, by_customer: bool, now: datetime) -> None:
        """Give the time back. Late is refused or costs the fee of the snapshot, as the policy says."""
        if self.status is Status.CANCELLED:
            return
        self._check_alive()
        late = by_customer and now > self.starts_at - timedelta(minutes=self.policy["cancel_notice"])
        if late and self.policy["late_cancel"] == "refuse":
            raise TooLateToCancel
        fee = self.policy["late_fee"] or 0 if late else 0
        why = Personal(self.customer_id, reason) if reason else None
        self._cancelled(by=by, reason=why, late=late, fee=fee, timestamp=now)

    @event(Cancelled)
    def _cancelled(
        self, by: UUID, reason: Personal | None, late: bool, fee: int, timestamp: datetime
    ) -> None:
        self.status = Status.CANCELLED
        self.cancellation = {"by": by, "late": late, "fee": fee}
        self.reason = reason

    def check_in(self, by: UUID, now: datetime) -> None:
        """The customer is here."""
        if self.status is Status.CHECKED_IN:
            return
        self._check_alive()
        self._checked_in(by=by, timestamp=now)

    @event(CheckedIn)
    def _checked_in(self, by: UUID, timestamp: datetime) -> None:
        self.status = Status.CHECKED_IN

    def complete(self, by: UUID, now: datetime) -> None:
        """It took place; not before its start."""
        if self.status is Status.COMPLETED:
            return
        self._check_alive()
        self._check_started(now)
        self._completed(by=by, timestamp=now)

    @event(Completed)
    def _completed(self, by: UUID, timestamp: datetime) -> None:
        self.status = Status.COMPLETED

    def miss(self, by: UUID, now: datetime) -> None:
        """The customer did not come; not before its start."""
        if self.status is Status.NO_SHOW:
            return
        self._check_alive()
        self._check_started(now)
        self._missed(by=by, timestamp=now)

    @event(NoShow)
    def _missed(self, by: UUID, timestamp: datetime) -> None:
        self.status = Status.NO_SHOW
        self.missed_at = timestamp

    def undo_no_show(self, by: UUID, now: datetime) -> None:
        """The customer came after all; within 24 h of the mark."""
        if self.status is not Status.NO_SHOW or self.missed_at is None:
            raise AppointmentEnded("It is not marked as a no-show.")
        if now > self.missed_at + UNDO_NO_SHOW:
            raise AppointmentEnded("A no-show can be undone within 24 hours.")
        self._no_show_undone(by=by, timestamp=now)

    @event(NoShowUndone)
    def _no_show_undone(self, by: UUID, timestamp: datetime) -> None:
        self.status = Status.BOOKED
        self.missed_at = None

    def _check_alive(self) -> None:
        if self.status in ENDED:
            raise AppointmentEnded(f"It is {self.status}.", appointment_status=str(self.status))

    def _check_started(self, now: datetime) -> None:
        if now < self.starts_at:
            raise TooEarly(f"It starts at {self.starts_at.isoformat()}.")


def said(customer_id: UUID, note: str, answers: Mapping[str, Any]) -> Personal | None:
    """Note and answers of a customer; None if there are none, which costs no key."""
    return Personal(customer_id, {"note": note, "answers": dict(answers)}) if note or answers else None
