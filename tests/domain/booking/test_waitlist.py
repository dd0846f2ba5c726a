"""A place in the line: what fits, what is offered, and that the same is not offered twice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.booking.waitlist import (
    LAPSES,
    NothingOffered,
    NotWaiting,
    Offer,
    OfferedBefore,
    Waiting,
    WaitingStatus,
    WaitlistDates,
    WaitlistRequest,
    Wish,
)
from domain.kernel import new_id

ME, ADA, BOB = new_id(), new_id(), new_id()
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
START = datetime(2026, 6, 3, 22, 30, tzinfo=UTC)  # 00:30 of the 4th in Paris


def waiting() -> Waiting:
    dates: WaitlistDates = {"from": "2026-06-03", "to": "2026-06-05"}
    return Waiting.join(new_id(), ME, WaitlistRequest(ME, new_id(), None, dates, [], "Europe/Paris"), NOW)


def an_offer(start: datetime = START) -> Offer:
    return Offer(new_id(), ADA, start, NOW + timedelta(minutes=15))


def wish(**more: Any) -> Wish:
    said: dict[str, Any] = {
        "waiting_id": new_id(),
        "customer_id": new_id(),
        "service_id": new_id(),
        "provider_id": None,
        "first": date(2026, 6, 4),
        "last": date(2026, 6, 4),
        "hours": (),
        "timezone": "Europe/Paris",
        "lapsed": frozenset(),
    }
    return Wish(**said | more)


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({}, True),
        ({"timezone": "UTC"}, False),
        ({"last": date(2026, 6, 9)}, True),
        ({"first": date(2026, 6, 5), "last": date(2026, 6, 9)}, False),
        ({"provider_id": ADA}, True),
        ({"provider_id": BOB}, False),
        ({"hours": [[0, 30]]}, False),
        ({"hours": [[0, 31]]}, True),
        ({"hours": [[600, 660], [1320, 1500]]}, True),
        ({"lapsed": frozenset({(ADA, START)})}, False),
        ({"lapsed": frozenset({(BOB, START)})}, True),
    ],
)
def test_dates_and_hours_are_those_of_its_zone_and_nothing_is_offered_twice(more: dict[str, Any], fits: bool) -> None:
    assert wish(**more).fits(ADA, START) is fits


def test_one_thing_is_offered_at_a_time() -> None:
    it = waiting()
    with pytest.raises(NothingOffered):
        it.standing_offer()
    it.offer_place(an_offer(), NOW)
    assert it.status is WaitingStatus.OFFERED
    with pytest.raises(NotWaiting):
        it.offer_place(an_offer(START + timedelta(hours=1)), NOW)


def test_once_lapsed_it_waits_on_but_not_for_that() -> None:
    it = waiting()
    it.offer_place(an_offer(), NOW)
    it.lapse(new_id(), NOW)
    assert (it.status, it.offer) == (WaitingStatus.WAITING, None)
    with pytest.raises(OfferedBefore):
        it.offer_place(an_offer(), NOW)
    it.offer_place(an_offer(START + timedelta(hours=1)), NOW)


def test_who_lets_three_offers_lapse_waits_no_more() -> None:
    it = waiting()
    for hours in range(LAPSES):
        assert it.status is WaitingStatus.WAITING
        it.offer_place(an_offer(START + timedelta(hours=hours)), NOW)
        it.lapse(new_id(), NOW)
    assert it.status is WaitingStatus.LEFT


def test_who_left_or_accepted_waits_no_more() -> None:
    left, accepted = waiting(), waiting()
    for _ in range(2):
        left.leave(ME, NOW)
    accepted.offer_place(an_offer(), NOW)
    accepted.accept(ME, new_id(), NOW)
    accepted.leave(ME, NOW)
    assert [type(event).__name__ for event in accepted.pending_events] == ["Joined", "Offered", "Accepted"]
    assert [type(event).__name__ for event in left.pending_events] == ["Joined", "Left"]
    for it in (left, accepted):
        with pytest.raises(NotWaiting):
            it.offer_place(an_offer(), NOW)
