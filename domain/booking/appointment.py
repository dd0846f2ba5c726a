"""Appointment: a customer's promise to be somewhere at a time, and its life."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from domain.errors import Conflict, Gone
from domain.kernel import Aggregate, event
from domain.personal_data import PersonalData


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


class RequestPending(Conflict):
    """This appointment waits for approval."""


class NotRequested(Conflict):
    """This appointment does not wait for approval."""


class RequestExpired(Gone):
    """This request was not answered in time."""


class AppointmentStatus(StrEnum):
    REQUESTED = "requested"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"


NEVER = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.DECLINED, AppointmentStatus.EXPIRED})
"""It takes no time: the calendar is free of it."""
ENDED = NEVER | {AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW}
UNDO_NO_SHOW = timedelta(hours=24)


class Appointment(Aggregate):
    """One service with one provider for one customer, or one seat of several.

    Keeps price and policy as they were when it was booked or moved. What is told is personal to the customer:
    note and answers, and the reason why it was cancelled or declined. A request that is not
    answered keeps its time until `expires_at`.
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
        told: PersonalData | None

    class Requested(Aggregate.Created):
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
        told: PersonalData | None
        expires_at: datetime

        def apply(self, aggregate: Any) -> None:
            """As booked, but not yet."""
            aggregate.status, aggregate.expires_at = AppointmentStatus.REQUESTED, self.expires_at

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
        told: PersonalData | None,
        timestamp: datetime,
    ) -> None:
        self.service_id, self.provider_id, self.customer_id = service_id, provider_id, customer_id
        self._take_place(starts_at, duration, buffer_before, buffer_after, timezone)
        self.price, self.currency, self.policy = price, currency, policy
        self.told = told
        self.status = AppointmentStatus.BOOKED
        self.expires_at: datetime | None = None
        self.reschedules = 0
        self.cancellation: dict[str, Any] | None = None
        self.declined_by: UUID | None = None
        self.reason: PersonalData | None = None
        self.missed_at: datetime | None = None

    @classmethod
    def request(cls, *, expires_at: datetime, **booked: Any) -> Self:
        """Ask for it, where the service needs approval. `booked`: as for one that is booked at once."""
        return cls._create(cls.Requested, expires_at=min(expires_at, booked["starts_at"]), **booked)

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
        return {**self.cancellation, "reason": self._why}

    @property
    def declined(self) -> dict[str, Any] | None:
        """By whom and why; None unless it is declined."""
        return {"by": self.declined_by, "reason": self._why} if self.declined_by else None

    @property
    def _why(self) -> str:
        return (self.reason.value if self.reason else None) or ""

    def confirm(self, by: UUID, now: datetime) -> None:
        """Book what was asked for; booked already is not an error."""
        if self.status in {AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN}:
            return
        self._check_unanswered(now)
        self._confirmed(by=by, timestamp=now)

    @event(Confirmed)
    def _confirmed(self, by: UUID, timestamp: datetime) -> None:
        self.status, self.expires_at = AppointmentStatus.BOOKED, None

    def decline(self, by: UUID, reason: str, now: datetime) -> None:
        """Refuse what was asked for; already declined is not an error."""
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
        """Nobody has answered the request in time; nothing happens unless that is so."""
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
            raise NotRequested(f"It is {self.status}.")

    def annotate(self, by: UUID, note: str, answers: dict[str, Any], now: datetime) -> None:
        """Change note and answers, which must be open, while it has not ended."""
        self._check_alive()
        if (note, answers) != (self.note, self.answers):
            self._noted(by=by, told=said(self.customer_id, note, answers), timestamp=now)

    @event(Noted)
    def _noted(self, by: UUID, told: PersonalData | None, timestamp: datetime) -> None:
        self.told = told

    def reschedule(self, by: UUID, *, by_customer: bool, place: dict[str, Any], now: datetime) -> None:
        """Move to another time or provider. `place`: the fields of Rescheduled, price and policy renewed.

        A customer is held to the notice and the number of moves of the snapshot.
        """
        self._check_booked()
        if self.status is not AppointmentStatus.BOOKED:
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
        if self.status is AppointmentStatus.CANCELLED:
            return
        self._check_alive()
        asked = self.status is AppointmentStatus.REQUESTED  # nobody has counted on it yet
        late = by_customer and not asked and now > self.starts_at - timedelta(minutes=self.policy["cancel_notice"])
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
        """The customer is here."""
        if self.status is AppointmentStatus.CHECKED_IN:
            return
        self._check_booked()
        self._checked_in(by=by, timestamp=now)

    @event(CheckedIn)
    def _checked_in(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.CHECKED_IN

    def complete(self, by: UUID, now: datetime) -> None:
        """It took place; not before its start."""
        if self.status is AppointmentStatus.COMPLETED:
            return
        self._check_booked()
        self._check_started(now)
        self._completed(by=by, timestamp=now)

    @event(Completed)
    def _completed(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.COMPLETED

    def miss(self, by: UUID, now: datetime) -> None:
        """The customer did not come; not before its start."""
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
        """The customer came after all; within 24 h of the mark."""
        if self.status is not AppointmentStatus.NO_SHOW or self.missed_at is None:
            raise AppointmentEnded("It is not marked as a no-show.")
        if now > self.missed_at + UNDO_NO_SHOW:
            raise AppointmentEnded("A no-show can be undone within 24 hours.")
        self._no_show_undone(by=by, timestamp=now)

    @event(NoShowUndone)
    def _no_show_undone(self, by: UUID, timestamp: datetime) -> None:
        self.status = AppointmentStatus.BOOKED
        self.missed_at = None

    def _check_alive(self) -> None:
        if self.status in ENDED:
            raise AppointmentEnded(f"It is {self.status}.", appointment_status=str(self.status))

    def _check_booked(self) -> None:
        self._check_alive()
        if self.status is AppointmentStatus.REQUESTED:
            raise RequestPending

    def _check_started(self, now: datetime) -> None:
        if now < self.starts_at:
            raise TooEarly(f"It starts at {self.starts_at.isoformat()}.")


def said(customer_id: UUID, note: str, answers: Mapping[str, Any]) -> PersonalData | None:
    """Note and answers of a customer; None if there are none, which costs no key."""
    return PersonalData(customer_id, {"note": note, "answers": dict(answers)}) if note or answers else None
