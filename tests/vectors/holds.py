"""Cases on what is kept for a while: holds and lifecycle."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from application.access import Caller, Role
from application.booking.appointment import MarkAppointment
from application.booking.approval import confirm_appointment
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import RequestExpired
from domain.booking.calendar_day import Day, near, reserve
from domain.booking.hold import Hold, HoldExpired
from domain.booking.placement import Booking
from domain.booking.seat import Seat
from domain.errors import NotFound
from domain.scheduling.availability import SlotTerms
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours
from infrastructure.event_log.memory_journal import memory_store
from tests.vectors.case import SERVICE, Given, NotOurs, found, local_day, one_of, only, span, utc, weekly_of
from tests.vectors.case import taken as occupied
from tests.vectors.moves import NOW, place_of


def holds(given: Given, expect: Given) -> None:
    only(given, "now viewer_tz host_tz weekly length_min step_min query_date holds viewer")
    only(expect, "contains holds_left")
    now, day = utc(given["now"]), local_day(given["query_date"], given["host_tz"])
    place = Day(id=UUID(int=1), calendar_id=UUID(int=2), date=given["query_date"], timestamp=now)
    for n, each in enumerate(given["holds"]):
        one_of(each["by"], "me", "other")
        stretch = span(each)
        until = now + timedelta(minutes=1 if each["live"] else -1)
        seat = Seat(UUID(int=10 + n), SERVICE, stretch.start, stretch.start, stretch.end, 0, until)
        reserve([place], seat, 1, now - timedelta(minutes=2))
    seats = [seat for group in near([place], day.start, day.end) for seat in group.live(now)]
    assert len(seats) == expect.get("holds_left", len(seats))
    offer = SlotTerms(SERVICE, given["length_min"], given["step_min"])
    hours = OpeningHours(given["host_tz"], weekly_of(given["weekly"]), {}, ())
    busy = [occupied(Interval(seat.since, seat.until)) for seat in seats]
    free = found(offer, hours, day, now, busy)
    assert {utc(text) for text in expect.get("contains", [])} <= set(free)


def lifecycle(given: Given, expect: Given) -> None:
    """What theirs calls provisional is a hold or a request here: either way it is over."""
    if given["command"] != "confirm":
        raise NotOurs("a move that makes another booking")
    only(given, "command target_states")
    if not given["target_states"]:
        assert expect["result"] == "404"
        asking = MarkAppointment(by=Caller(UUID(int=9), Role.ADMIN), appointment_id=UUID(int=8))
        with pytest.raises(NotFound):
            asyncio.run(confirm_appointment(asking, memory_store()))
    for state in given["target_states"]:
        one_of(state, "expired_provisional")
        assert expect["result"] == "410"
        _expired()


def _expired() -> None:
    until, (move, terms) = NOW + timedelta(minutes=5), place_of(24, 0)
    booking = Booking(UUID(int=7), SERVICE, UUID(int=7), move.placement)
    with pytest.raises(RequestExpired):
        Appointment.request(UUID(int=3), booking, terms, None, until, NOW).confirm(UUID(int=9), until)
    with pytest.raises(HoldExpired):
        Hold.place(UUID(int=3), booking, until, NOW).use(UUID(int=7), UUID(int=3), until)
