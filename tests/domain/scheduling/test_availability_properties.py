"""Any week of any calendar, clock changes included, against a model that looks at single minutes."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.scheduling.availability import (
    OVERRIDABLE,
    BookingWindow,
    Occupied,
    Rule,
    SlotTerms,
    candidates,
    starts,
    why_not,
)
from domain.scheduling.interval import Interval, overlaps
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow
from domain.scheduling.wallclock import instant, zone

WEEKS = [  # each begins two days before a clock change
    ("America/New_York", date(2026, 3, 6)),
    ("America/New_York", date(2026, 10, 30)),
    ("Europe/London", date(2026, 10, 23)),
    ("Australia/Lord_Howe", date(2026, 10, 2)),
    ("Australia/Lord_Howe", date(2026, 4, 3)),
    ("Pacific/Apia", date(2011, 12, 28)),
    ("Africa/Casablanca", date(2025, 4, 4)),
    ("America/St_Johns", date(2010, 11, 5)),
    ("UTC", date(2026, 6, 1)),
]
SERVICES = [UUID(int=1), UUID(int=2)]
DAYS = 4
T = TypeVar("T")


class Case(NamedTuple):
    """A calendar, a service, what is taken, and the stretch of time asked about."""

    offer: SlotTerms
    hours: OpeningHours
    occupied: list[Occupied]
    within: Interval
    now: datetime


def seldom(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.one_of(st.none(), st.none(), st.none(), strategy)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    name, first = draw(st.sampled_from(WEEKS))
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    moments = st.integers(0, DAYS * 288).map(lambda n: midnight + timedelta(minutes=5 * n))
    lengths = st.sampled_from([20, 60, 5, 400, 1800]).map(lambda n: timedelta(minutes=n))
    window = st.builds(_window, st.integers(0, 287), st.integers(1, 288)) | st.just(OpeningWindow(0, 1440))
    windows = st.lists(window, min_size=1, max_size=3).map(tuple)
    weekly = st.fixed_dictionaries(dict.fromkeys(range(7), windows))
    dates = st.integers(0, DAYS).map(lambda n: first + timedelta(days=n))
    stretches = st.builds(lambda start, length: Interval(start, start + length), moments, lengths)
    hours = OpeningHours(
        name,
        draw(weekly),
        draw(st.dictionaries(dates, st.just(()) | windows, max_size=2)),
        tuple(draw(st.lists(stretches, max_size=2))),
        draw(st.frozensets(dates, max_size=1)),
    )
    offer = SlotTerms(
        service_id=SERVICES[0],
        duration=draw(st.sampled_from([20, 45, 60, 5, 600])),
        step=draw(st.sampled_from([5, 7, 15, 40, 60])),
        align=draw(st.sampled_from(["opening", "clock"])),
        buffer_before=draw(st.sampled_from([0, 10])),
        buffer_after=draw(st.sampled_from([0, 15])),
        capacity=draw(st.sampled_from([1, 2])),
        min_notice=draw(st.sampled_from([0, 90])),
        window=draw(seldom(st.builds(BookingWindow, st.sampled_from(["rolling", "business"]), st.integers(1, 6)))),
        service_hours=draw(seldom(weekly)),
    )
    begin = draw(moments)
    within = Interval(begin, begin + timedelta(minutes=draw(st.sampled_from([1800, 400, 60]))))
    now = begin - timedelta(minutes=draw(st.sampled_from([2880, 1000, 90, 0, -60])))
    on_grid = [start.start for start in candidates(offer, hours, [], within)]
    begins = st.sampled_from(on_grid) | moments if on_grid else moments
    occupied = draw(st.lists(st.builds(_taken, begins, lengths, st.sampled_from(SERVICES)), max_size=4))
    return Case(offer, hours, occupied, within, now)


def _window(opens: int, length: int) -> OpeningWindow:
    return OpeningWindow(opens * 5, (opens + length) * 5)


def _taken(start: datetime, length: timedelta, service: UUID) -> Occupied:
    return Occupied(start - timedelta(minutes=5), start + length, service, start)


def is_open(case: Case, moment: datetime) -> bool:
    """One minute, looked at without the functions under test but for the resolver of wall time."""
    hours, tz = case.hours, zone(case.hours.timezone)
    if any(start <= moment < end for start, end in hours.time_off):
        return False
    service = case.offer.service_hours
    days = [moment.date() + timedelta(days=n) for n in range(-3, 3)]
    own = {d: hours.overrides.get(d, () if d in hours.holidays else hours.weekly[d.weekday()]) for d in days}
    theirs = None if service is None else {d: service.get(d.weekday(), ()) for d in days}
    return all(
        any(instant(d, w.opens, tz) <= moment < instant(d, w.closes, tz) for d in days for w in windows[d])
        for windows in (own, theirs)
        if windows is not None
    )


@given(cases())
def test_a_start_is_offered_exactly_when_no_rule_stands_against_it(case: Case) -> None:
    found = {start.start for start in starts(*case)}
    asked = case.within.start
    while asked < case.within.end:
        refusal = why_not(case.offer, case.hours, case.occupied, asked, case.now)
        assert (asked in found) == (refusal is None), (asked, refusal)
        asked += timedelta(minutes=1 if case.within.end - asked < timedelta(hours=2) else 5)
    assert all(why_not(*case[:3], start, case.now) is None for start in found)


@given(cases())
def test_every_minute_of_every_offered_start_is_open(case: Case) -> None:
    for start, end, _ in starts(*case):
        assert end - start == timedelta(minutes=case.offer.duration)
        assert all(is_open(case, start + timedelta(minutes=m)) for m in range(0, case.offer.duration, 5))


@given(cases())
def test_every_open_minute_that_starts_an_opening_is_offered_if_the_service_fits(case: Case) -> None:
    plain = case._replace(offer=SlotTerms(SERVICES[0], 5, 5, service_hours=case.offer.service_hours), occupied=[])
    found = {start.start for start in candidates(*plain[:4])}
    moment, resolution = case.within.start, timedelta(minutes=5)
    while moment < case.within.end:
        assert (moment in found) == is_open(case, moment)
        moment += resolution


@given(cases())
def test_offered_starts_keep_clear_of_all_others_and_count_the_seats_of_their_session(case: Case) -> None:
    offer = case.offer
    for start, _, seats in starts(*case):
        near = [o for o in case.occupied if overlaps(Interval(o.since, o.until), offer.stretch(start))]
        assert all((o.start, o.service_id) == (start, offer.service_id) for o in near)
        assert 1 <= seats == offer.capacity - len(near)


@given(cases())
def test_bookings_take_starts_away_and_never_shift_them(case: Case) -> None:
    found = [start.start for start in starts(*case)]
    assert found == sorted(set(found))
    assert set(found) <= {start.start for start in starts(*case._replace(occupied=[]))}


@given(cases(), st.integers(0, 300))
def test_the_answer_for_two_stretches_is_the_answer_for_both_together(case: Case, minutes: int) -> None:
    middle = min(case.within.end, case.within.start + timedelta(minutes=minutes))
    parts = [Interval(case.within.start, middle), Interval(middle, case.within.end)]
    assert starts(*case) == [start for part in parts for start in starts(*case._replace(within=part))]


@given(cases(), st.frozensets(st.sampled_from(sorted(OVERRIDABLE))))
def test_a_rule_that_is_set_aside_does_not_count_and_every_other_does(case: Case, aside: frozenset[Rule]) -> None:
    for n in range(0, 300, 7):
        start = case.within.start + timedelta(minutes=n)
        every, some = (why_not(*case[:3], start, case.now, rules) for rules in (OVERRIDABLE, aside))
        assert some not in aside
        plain = why_not(*case[:3], start, case.now)
        if plain is None or plain not in aside:
            assert some is plain
        near = [o for o in case.occupied if overlaps(Interval(o.since, o.until), case.offer.stretch(start))]
        assert every in ({Rule.PAST} if start < case.now else {Rule.TAKEN, Rule.FULL, None} if near else {None})
