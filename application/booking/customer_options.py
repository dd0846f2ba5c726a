"""What a customer may do with an appointment now: decided by trying it on a copy, so that no page offers more."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms, Reason
from domain.booking.origin import Party
from domain.booking.placement import Move
from domain.errors import Refusal


class CustomerOptions(NamedTuple):
    """Why the customer cannot cancel or move it; None where they can. `fee`: of cancelling now, in minor units."""

    cancel: Refusal | None
    move: Refusal | None
    fee: int


def customer_options(appointment: Appointment, now: datetime) -> CustomerOptions:
    """The options of an appointment that has not ended."""
    cancelled, moved, by = appointment.own_copy(), appointment.own_copy(), appointment.customer_id
    terms = BookedTerms(appointment.price, appointment.currency, appointment.policy)
    return CustomerOptions(
        cancel=_refusal(lambda: cancelled.cancel(by, Reason(), Party.CUSTOMER, now)),
        move=_refusal(lambda: moved.reschedule(by, Move(moved.placement), terms, by_customer=True, now=now)),
        fee=cancelled.ending.get("fee", 0),
    )


def _refusal(attempt: Callable[[], None]) -> Refusal | None:
    try:
        attempt()
    except Refusal as refused:
        return refused
    return None
