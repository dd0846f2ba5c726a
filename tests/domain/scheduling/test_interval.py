"""Intervals against a model that knows only single minutes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.scheduling.interval import Interval, clip, intersect, merge, overlaps, subtract

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def at(minute: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=minute)


def stretch(start: int, end: int) -> Interval:
    return Interval(at(start), at(end))


def minutes(intervals: list[Interval]) -> set[int]:
    return {m for m in range(-5, 70) if any(i.start <= at(m) < i.end for i in intervals)}


# Ends before starts, too: empty intervals turn up wherever clocks jump.
some = st.lists(st.builds(stretch, st.integers(0, 60), st.integers(0, 60)), max_size=6)


def test_touching_intervals_do_not_overlap() -> None:
    assert not overlaps(stretch(0, 10), stretch(10, 20))
    assert overlaps(stretch(0, 11), stretch(10, 20))


def test_an_empty_interval_overlaps_nothing() -> None:
    assert not overlaps(stretch(5, 5), stretch(0, 10))
    assert not overlaps(stretch(0, 10), stretch(7, 3))
    assert stretch(5, 5).empty
    assert not stretch(5, 6).empty


def test_merging_joins_what_touches_and_drops_what_is_empty() -> None:
    parts = [
        stretch(20, 30),
        stretch(0, 10),
        stretch(10, 20),
        stretch(40, 50),
        stretch(42, 45),
        stretch(60, 60),
    ]
    assert merge(parts) == [stretch(0, 30), stretch(40, 50)]


def test_subtracting_leaves_neighbours_apart() -> None:
    assert subtract([stretch(0, 10), stretch(10, 20)], []) == [stretch(0, 10), stretch(10, 20)]


def test_subtracting_the_middle_leaves_both_sides() -> None:
    assert subtract([stretch(0, 30)], [stretch(10, 20)]) == [stretch(0, 10), stretch(20, 30)]


def test_intersecting_leaves_neighbours_of_the_first_apart_and_joins_those_of_the_second() -> None:
    assert intersect([stretch(0, 10), stretch(10, 20)], [stretch(5, 12), stretch(12, 18)]) == [
        stretch(5, 10),
        stretch(10, 18),
    ]


def test_clipping_to_elsewhere_leaves_nothing() -> None:
    assert clip(stretch(0, 10), stretch(5, 20)) == stretch(5, 10)
    assert clip(stretch(0, 10), stretch(15, 20)).empty


@given(some)
def test_merging_keeps_every_minute_and_is_sorted_with_gaps_between(parts: list[Interval]) -> None:
    merged = merge(parts)
    assert minutes(merged) == minutes(parts)
    assert all(not part.empty for part in merged)
    assert all(earlier.end < later.start for earlier, later in pairwise(merged))


@given(some, some)
def test_subtracting_keeps_exactly_the_minutes_outside_the_cuts(base: list[Interval], cuts: list[Interval]) -> None:
    left = subtract(base, cuts)
    assert minutes(left) == minutes(base) - minutes(cuts)
    assert all(not part.empty for part in left)


@given(some, some)
def test_intersecting_keeps_exactly_the_minutes_in_both(a: list[Interval], b: list[Interval]) -> None:
    shared = intersect(a, b)
    assert minutes(shared) == minutes(a) & minutes(b)
    assert all(not part.empty for part in shared)


@given(some, some)
def test_two_overlap_exactly_when_they_share_a_minute(a: list[Interval], b: list[Interval]) -> None:
    for one in a:
        for other in b:
            assert overlaps(one, other) == overlaps(other, one) == bool(minutes([one]) & minutes([other]))
