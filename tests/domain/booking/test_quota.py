"""What a customer keeps without having booked it is limited by provider and day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.booking.quota import (
    ENTRIES,
    HOLDS,
    AlreadyWaiting,
    KeptKind,
    KeptThing,
    OfferPending,
    Quota,
    TooManyEntries,
    TooManyHolds,
)
from domain.errors import Conflict
from domain.kernel import new_id

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
MONDAY = date(2026, 6, 8)
ADA, BEA, HAIRCUT = UUID(int=1), UUID(int=2), UUID(int=3)


def quota() -> Quota:
    return Quota.of(new_id(), NOW)


def thing(kind: KeptKind, *, first: int = 0, days: int = 1, **more: Any) -> KeptThing:
    """About so many days, the first of them so many after the Monday."""
    since, last = MONDAY + timedelta(days=first), MONDAY + timedelta(days=first + days - 1)
    it = KeptThing(kind, HAIRCUT, ADA, since, last, NOW + timedelta(days=30))
    return it._replace(**more)


def hold(**more: Any) -> KeptThing:
    return thing(KeptKind.HOLD, until=NOW + timedelta(minutes=5), **more)


def entry(**more: Any) -> KeptThing:
    return thing(KeptKind.ENTRY, **{"service_id": new_id()} | more)


def keep(quota: Quota, *things: KeptThing, now: datetime = NOW) -> list[UUID]:
    ids = [new_id() for _ in things]
    for id, each in zip(ids, things, strict=True):
        quota.keep(id, each, now)
    return ids


def test_two_holds_with_a_provider_on_a_day() -> None:
    it = quota()
    keep(it, *[hold()] * HOLDS)
    with pytest.raises(TooManyHolds):
        keep(it, hold())
    keep(it, hold(provider_id=BEA), hold(first=1))


def test_what_has_ended_counts_no_more() -> None:
    it = quota()
    first, _ = keep(it, hold(), hold())
    it.free(first, NOW)
    keep(it, hold())
    later = NOW + timedelta(minutes=5)
    keep(it, *[hold()._replace(until=later + timedelta(minutes=5))] * HOLDS, now=later)
    assert len(it.things) == HOLDS, "things that have ended are forgotten"


def test_to_keep_a_thing_for_longer_needs_no_room() -> None:
    it = quota()
    first, _ = keep(it, hold(), hold())
    longer = it.things[first]._replace(until=NOW + timedelta(minutes=9))
    it.keep(first, longer, NOW)
    assert it.things[first] == longer
    with pytest.raises(TooManyHolds):
        keep(it, hold(), now=NOW + timedelta(minutes=4))


@pytest.mark.parametrize("day", [0, 1, 30])
def test_one_offer_of_a_provider_at_a_time_and_holds_apart(day: int) -> None:
    it = quota()
    keep(it, thing(KeptKind.OFFER), hold(), hold())
    with pytest.raises(OfferPending):
        keep(it, thing(KeptKind.OFFER, first=day))
    keep(it, thing(KeptKind.OFFER, provider_id=BEA))


def test_one_entry_for_a_service_and_a_day() -> None:
    it = quota()
    keep(it, entry(service_id=HAIRCUT, days=3))
    for overlapping in ({"first": 2}, {"first": -1, "days": 2}, {"provider_id": None}):
        with pytest.raises(AlreadyWaiting):
            keep(it, entry(**{"service_id": HAIRCUT} | overlapping))
    keep(it, entry(service_id=HAIRCUT, first=3))


@pytest.mark.parametrize(
    ("there", "one_more", "refused"),
    [
        ([{}] * 3, {}, True),
        ([{}] * 2, {}, False),
        ([{"provider_id": None}] * 3, {}, True),
        ([{}] * 3, {"provider_id": None}, True),
        ([{}] * 3, {"provider_id": BEA}, False),
        ([{}] * 3, {"first": 1}, False),
        ([{"first": 0}, {"first": 2}, {"first": 4}], {"days": 5}, False),  # never more than two on one day
        ([{"first": 0, "days": 3}, {"first": 2, "days": 3}, {"first": 2}], {"days": 5}, True),  # four on the third day
        ([{"first": 3, "days": 3}] * 3, {"days": 4}, True),
    ],
)
def test_three_entries_with_a_provider_that_include_a_day(
    there: list[dict[str, Any]], one_more: dict[str, Any], refused: bool
) -> None:
    it = quota()
    keep(it, *(entry(**each) for each in there))
    assert len(there) <= ENTRIES
    if refused:
        with pytest.raises(TooManyEntries):
            keep(it, entry(**one_more))
    else:
        keep(it, entry(**one_more))


def test_a_refusal_changes_nothing() -> None:
    it = quota()
    keep(it, hold(), hold())
    before = dict(it.things), len(it.pending_events)
    with pytest.raises(Conflict):
        keep(it, hold())
    assert (it.things, len(it.pending_events)) == before
    it.free(new_id(), NOW)
    assert len(it.pending_events) == before[1]
