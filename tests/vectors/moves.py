"""Cases on moving what is booked: notice of a reschedule, and not standing in one's own way."""

from datetime import timedelta
from typing import cast
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms
from domain.booking.appointment_status import TooLateToReschedule
from domain.booking.calendar_day import Day, SlotTaken, reserve
from domain.booking.placement import Booking, Move, Placement
from domain.booking.policy import Policy
from domain.booking.seat import Seat
from domain.scheduling.availability import SlotTerms, why_not
from tests.vectors.case import ALWAYS, SERVICE, Given, one_of, only, utc

NOW = utc("2026-06-01T09:00Z")
CUSTOMER = UUID(int=7)


def notice(given: Given, expect: Given) -> None:
    """A customer moves: the old start must be out of the notice of moving, the new one of the service."""
    only(given, "action min_notice_h old_start_in_h new_start_in_h")
    one_of(given["action"], "reschedule")
    only(expect, "command")
    minutes = 60 * given["min_notice_h"]
    appointment = _booked(given["old_start_in_h"], minutes)
    start = NOW + timedelta(hours=given["new_start_in_h"])
    refused = why_not(SlotTerms(SERVICE, 60, 5, min_notice=minutes), ALWAYS, [], start, NOW) is not None
    try:
        place = place_of(given["new_start_in_h"], minutes)
        appointment.reschedule(CUSTOMER, *place, by_customer=True, now=NOW)
    except TooLateToReschedule:
        refused = True
    assert ("rejected" if refused else "accepted") == expect["command"]


def own_place(given: Given, expect: Given) -> None:
    """As many as may be are there, and one of them moves within its own time."""
    only(given, "ceiling existing updating_itself")
    only(expect, "new_booking")
    day = Day(id=UUID(int=1), calendar_id=UUID(int=2), date="2026-06-01", timestamp=NOW)
    seats = [_seat(n, minute=0) for n in range(given["existing"])]
    for seat in seats:
        reserve([day], seat, given["ceiling"], NOW)
    if given["updating_itself"]:
        day.release(seats[0].taker, NOW)
    try:
        reserve([day], _seat(0 if given["updating_itself"] else len(seats), minute=0), given["ceiling"], NOW)
    except SlotTaken:
        assert expect["new_booking"] == "rejected"
    else:
        assert expect["new_booking"] == "accepted"


def _seat(taker: int, minute: int) -> Seat:
    start = NOW + timedelta(minutes=minute)
    return Seat(UUID(int=100 + taker), SERVICE, start, start, start + timedelta(hours=1))


def place_of(in_hours: int, notice: int) -> tuple[Move, BookedTerms]:
    policy = cast("Policy", {"reschedule_notice": notice, "max_reschedules": None})
    placement = Placement(UUID(int=2), NOW + timedelta(hours=in_hours), 60, 0, 0, "UTC")
    return Move(placement), BookedTerms(0, "EUR", policy)


def _booked(in_hours: int, notice: int) -> Appointment:
    move, terms = place_of(in_hours, notice)
    return Appointment.book(UUID(int=3), Booking(CUSTOMER, SERVICE, CUSTOMER, move.placement), terms, None, NOW)
