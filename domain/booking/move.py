"""Moves of an appointment: at once, or at the customer's request, during which the confirmed place is kept."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.booking.appointment_fields import BookedTerms, ConfirmedPlace, MoveFields, ReturnFields
from domain.booking.appointment_status import (
    AppointmentEnded,
    AppointmentStarted,
    AppointmentStatus,
    TooLateToReschedule,
    TooManyReschedules,
)
from domain.booking.appointment_text import reason_of, words
from domain.booking.orphan import Orphaned
from domain.booking.placement import Move, placement_fields
from domain.booking.policy import Policy, reschedulable_until
from domain.errors import Refusal
from domain.kernel import derived_id
from domain.personal_data import PersonalData

_MOVES = derived_id("move").int


def move_taker(taker: UUID) -> UUID:
    """The taker of the time that an appointment asks for beside its own; of that taker, the appointment."""
    return UUID(int=taker.int ^ _MOVES)


class MoveOutcome(StrEnum):
    """What has become of a move. `requested`: not answered."""

    MADE = "made"
    REQUESTED = "requested"
    DECLINED = "declined"
    EXPIRED = "expired"


class Moved(Orphaned):
    """The commands that move an appointment, and where it stands meanwhile."""

    Rescheduled: ClassVar[type[Any]]
    MoveRequested: ClassVar[type[Any]]
    Transferred: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    customer_id: UUID
    price: int
    currency: str
    policy: Policy
    expires_at: datetime | None
    organization_id: UUID | None
    organization_recorded: bool
    free_cancellation: bool
    reschedules: int
    move: Mapping[str, Any]
    move_reason: PersonalData | None

    @property
    def confirmed_place(self) -> Mapping[str, Any] | None:
        """The members provider_id, start and end of what is kept while a move is requested; None otherwise."""
        if self.confirmed is None:
            return None
        kept = self.confirmed.placement
        return {"provider_id": kept.provider_id, "start": kept.starts_at, "end": kept.ends_at}

    @property
    def rescheduled(self) -> dict[str, Any] | None:
        """The last move or request for one: members at, by, by_customer, outcome, reason; None without one."""
        return {**self.move, "reason": words(self.move_reason)} if self.move else None

    @property
    def standing(self) -> ConfirmedPlace:
        """Where and on which terms it stands: as confirmed, while a requested move is not answered."""
        terms = BookedTerms(self.price, self.currency, self.policy)
        business = self.organization_id, self.organization_recorded
        return self.confirmed or ConfirmedPlace(self.placement, terms, *business, self.free_cancellation)

    def stand(self, event: MoveFields | ReturnFields) -> None:
        """Take over the place and the terms of an event."""
        self.placement = event.placed_with(event.provider_id)
        self.price, self.currency, self.policy = event.price, event.currency, event.policy
        self.organization_id, self.free_cancellation = event.organization_id, event.free_cancellation
        self.organization_recorded = event.organization_recorded

    def belong_to(self, organization_id: UUID | None) -> None:
        """Take over whose record it is, whether or not a requested move takes place."""
        self.organization_id, self.organization_recorded = organization_id, True
        if self.confirmed is not None:
            self.confirmed = self.confirmed._replace(organization_id=organization_id, organization_recorded=True)

    def remember_move(self, event: MoveFields, at: datetime, outcome: MoveOutcome) -> None:
        """Take over who moved it or asked for that, when and why."""
        self.move = {**event.moving(), "at": at, "outcome": outcome}
        self.move_reason = event.reason

    def settle_move(self, outcome: MoveOutcome) -> None:
        """Take over what has become of a requested move; without one, do nothing."""
        self.move = {**self.move, "outcome": outcome} if self.move else {}

    def stay(self, event: ReturnFields, outcome: MoveOutcome) -> None:
        """Take over that a requested move does not take place."""
        self.stand(event)
        self.status, self.expires_at, self.confirmed = AppointmentStatus.BOOKED, None, None
        self.reschedules -= not self.asked_to_rebook
        self.settle_move(outcome)

    def reschedule(self, by: UUID, move: Move, terms: BookedTerms, *, by_customer: bool, now: datetime) -> None:
        """Move to another time or provider. `terms`: the service's present ones, which a customer agrees to by moving.

        The policy kept from the booking limits how late and how often a customer may move the appointment. After a move
        by staff, price and policy stay, and the customer may cancel at no cost until the start.
        """
        self._check_may_move(now, by_customer=by_customer)
        agreed = terms if by_customer else self.standing.terms
        moved = {"by": by, "by_customer": by_customer, "free_cancellation": not by_customer}
        why = reason_of(self.customer_id, move.reason)
        where = placement_fields(move.placement, move.origin, move.override)
        self.trigger_event(self.Rescheduled, **moved, reason=why, **where, **agreed._asdict(), timestamp=now)

    def request_move(self, by: UUID, move: Move, terms: BookedTerms, expires_at: datetime, now: datetime) -> None:
        """Ask for another time or provider, where the service needs approval. The customer agrees to `terms`.

        The request expires at the old start or the new one at the latest; the appointment then stays where it is.
        """
        self._check_may_move(now, by_customer=True)
        until = min(expires_at, self.starts_at, move.placement.starts_at)
        moved: dict[str, Any] = {"by": by, "by_customer": True, "free_cancellation": False, "expires_at": until}
        moved["reason"] = reason_of(self.customer_id, move.reason)
        kept = {"provider_id": self.provider_id, "starts_at": self.starts_at, "ends_at": self.ends_at}
        confirmed = {f"confirmed_{name}": value for name, value in kept.items()}
        where = placement_fields(move.placement, move.origin)
        self.trigger_event(self.MoveRequested, **moved, **confirmed, **where, **terms._asdict(), timestamp=now)

    def customer_may_move(self, now: datetime) -> bool:
        """Whether `reschedule` or `request_move` lets the customer move it now."""
        try:
            self._check_may_move(now, by_customer=True)
        except Refusal:
            return False
        return True

    def _check_may_move(self, now: datetime, *, by_customer: bool) -> None:
        self._check_booked()
        if self.status is not AppointmentStatus.BOOKED:
            raise AppointmentEnded("The customer has checked in.")
        if by_customer:
            self._check_customer_may_move(now)

    def _check_customer_may_move(self, now: datetime) -> None:
        self._check_not_started(now)
        if self.asked_to_rebook:
            return
        until = reschedulable_until(self.policy, self.starts_at)
        if now > until:
            raise TooLateToReschedule(f"It can be moved until {until:%Y-%m-%dT%H:%M:%SZ} (`reschedule_notice`).")
        most = self.policy["max_reschedules"]
        if most is not None and self.reschedules >= most:
            raise TooManyReschedules(f"It has been moved {self.reschedules} times (`max_reschedules`: {most}).")

    def _check_not_started(self, now: datetime) -> None:
        starts_at = self.standing.placement.starts_at
        if now >= starts_at:
            raise AppointmentStarted(f"The appointment started at {starts_at:%Y-%m-%dT%H:%M:%SZ}.")

    def transfer(self, by: UUID, organization_id: UUID | None, now: datetime) -> None:
        """Give the record to another organization; already there is not an error. Raises AppointmentEnded."""
        self._check_alive()
        if (organization_id, True) != (self.organization_id, self.organization_recorded):
            self.trigger_event(self.Transferred, by=by, organization_id=organization_id, timestamp=now)
