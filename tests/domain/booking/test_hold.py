"""A hold keeps a time until its second, and can be extended, given back, or used while it does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.booking.hold import Hold, HoldExpired, HoldExtendedBefore, HoldStatus, HoldUsed
from domain.booking.placement import Booking, Placement
from domain.kernel import new_id

ME, NOW = new_id(), datetime(2026, 6, 1, 9, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=5)


def a_hold() -> Hold:
    placement = Placement(new_id(), NOW + timedelta(days=1), 30, 5, 10, "UTC")
    return Hold.place(new_id(), Booking(ME, new_id(), ME, placement), UNTIL, NOW)


def told(hold: Hold) -> list[str]:
    return [type(event).__name__ for event in hold.pending_events]


def test_it_occupies_the_buffers_too() -> None:
    hold = a_hold()
    assert (hold.until - hold.since) == timedelta(minutes=45)


def test_it_is_extended_once_and_never_shortened() -> None:
    hold = a_hold()
    hold.extend(ME, NOW + timedelta(minutes=1), NOW)
    assert hold.expires_at == UNTIL
    with pytest.raises(HoldExtendedBefore):
        hold.extend(ME, UNTIL + timedelta(minutes=5), NOW)


def test_it_is_extended_until_its_start_at_most() -> None:
    hold = a_hold()
    hold.extend(ME, NOW + timedelta(days=2), NOW)
    assert hold.expires_at == hold.starts_at


@pytest.mark.parametrize(
    "late",
    [
        lambda h: h.extend(ME, UNTIL, UNTIL),
        lambda h: h.use(ME, new_id(), UNTIL),
        lambda h: h.check_live(UNTIL),
    ],
)
def test_at_its_second_it_is_over_though_nobody_has_recorded_it(late: Any) -> None:
    hold = a_hold()
    with pytest.raises(HoldExpired):
        late(hold)
    assert told(hold) == ["Placed"]


def test_it_expires_no_earlier_and_once() -> None:
    hold = a_hold()
    hold.expire(UNTIL - timedelta(microseconds=1))
    hold.expire(UNTIL)
    hold.expire(UNTIL)
    assert told(hold) == ["Placed", "Expired"]


def test_giving_it_back_twice_or_late_is_not_an_error_but_used_is_used() -> None:
    hold = a_hold()
    hold.release(ME, NOW)
    hold.release(ME, NOW)
    assert told(hold) == ["Placed", "Released"]
    with pytest.raises(HoldExpired, match="released"):
        hold.use(ME, new_id(), NOW)
    used = a_hold()
    used.use(ME, new_id(), NOW)
    assert used.status is HoldStatus.USED
    with pytest.raises(HoldUsed):
        used.release(ME, NOW)
    with pytest.raises(HoldExpired, match="used"):
        used.use(ME, new_id(), NOW)
