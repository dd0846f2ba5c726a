"""A Day never promises one time to two, whatever happens to it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from domain.booking.calendar_day import Day, SlotTaken, days_touched, lapsed, reserve
from domain.booking.seat import Seat, SeatGroup
from domain.kernel import new_id
from infrastructure.event_log.event_codec import evolve
from tests.support.hypothesis_profiles import examples

CALENDAR, HAIRCUT, COURSE = new_id(), new_id(), new_id()
NOW = datetime(2026, 5, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)
Buffers = tuple[int, int]


def at(clock: str) -> datetime:
    """This time on the day before MIDNIGHT."""
    hours, minutes = map(int, clock.split(":"))
    return MIDNIGHT + timedelta(days=-1, hours=hours, minutes=minutes)


def a_day(day: date) -> Day:
    return Day(id=Day.id_of(CALENDAR, day), calendar_id=CALENDAR, date=day.isoformat(), timestamp=NOW)


class Calendar:
    """The Days of one calendar, opened as they are touched."""

    def __init__(self) -> None:
        self.days: dict[date, Day] = {}
        self.now = NOW

    def touched(self, seat: Seat) -> Sequence[Day]:
        return [self.days.setdefault(day, a_day(day)) for day in days_touched(seat.since, seat.until)]

    def reserve(self, seat: Seat, capacity: int = 1) -> int:
        """The lane it got; what is over makes room."""
        days = self.touched(seat)
        gone = lapsed(days, seat.since, seat.until, self.now)
        reserve(days, seat, capacity, self.now)
        for other in gone:
            self.release(other.taker)
        return days[0].seats[seat.taker].lane

    def release(self, taker: UUID) -> None:
        for day in self.days.values():
            day.release(taker, self.now)

    def seats(self) -> set[Seat]:
        return {seat for day in self.days.values() for seat in day.seats.values()}


def seat(start: datetime, minutes: int = 60, service: UUID = HAIRCUT, buffers: Buffers = (0, 0)) -> Seat:
    before, after = (timedelta(minutes=n) for n in buffers)
    return Seat(new_id(), service, start, start - before, start + timedelta(minutes=minutes) + after)


@pytest.mark.parametrize("clock", ["09:01", "09:59", "10:00", "10:30", "10:59"])
def test_overlapping_times_are_refused(clock: str) -> None:
    calendar = Calendar()
    calendar.reserve(seat(at("10:00")))
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(at(clock)))
    assert len(calendar.seats()) == 1


@pytest.mark.parametrize("clock", ["09:00", "11:00"])
def test_touching_times_are_free(clock: str) -> None:
    calendar = Calendar()
    calendar.reserve(seat(at("10:00")))
    calendar.reserve(seat(at(clock)))


def test_buffers_of_both_lie_between_two() -> None:
    calendar = Calendar()
    calendar.reserve(seat(at("10:00"), buffers=(0, 10)))
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(at("11:14"), buffers=(5, 0)))
    calendar.reserve(seat(at("11:15"), buffers=(5, 0)))


def test_a_group_shares_one_start_up_to_its_capacity_each_in_a_lane_of_its_own() -> None:
    calendar = Calendar()
    lanes = [calendar.reserve(seat(at("10:00"), service=COURSE), capacity=3) for _ in range(3)]
    assert lanes == [0, 1, 2]
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(at("10:00"), service=COURSE), capacity=3)


def test_a_lane_that_was_freed_is_taken_again() -> None:
    calendar = Calendar()
    seats = [seat(at("10:00"), service=COURSE) for _ in range(3)]
    for one in seats:
        calendar.reserve(one, capacity=3)
    calendar.release(seats[1].taker)
    assert calendar.reserve(seat(at("10:00"), service=COURSE), capacity=3) == 1


def test_a_capacity_made_smaller_counts_those_who_are_there() -> None:
    calendar = Calendar()
    for _ in range(3):
        calendar.reserve(seat(at("10:00"), service=COURSE), capacity=3)
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(at("10:00"), service=COURSE), capacity=2)


@pytest.mark.parametrize("other", [seat(at("10:30"), service=COURSE), seat(at("10:00"), service=HAIRCUT)])
def test_a_group_excludes_its_other_starts_and_other_services(other: Seat) -> None:
    calendar = Calendar()
    calendar.reserve(seat(at("10:00"), service=COURSE), capacity=9)
    with pytest.raises(SlotTaken):
        calendar.reserve(other, capacity=9)


def test_what_passes_midnight_is_on_both_days() -> None:
    calendar = Calendar()
    night = seat(at("23:30"))
    calendar.reserve(night)
    assert list(calendar.days) == [MIDNIGHT.date() - timedelta(days=1), MIDNIGHT.date()]
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(MIDNIGHT))
    calendar.reserve(seat(MIDNIGHT + timedelta(minutes=30)))
    calendar.release(night.taker)
    calendar.reserve(seat(at("23:00")))


def test_what_ends_at_midnight_leaves_the_next_day_alone() -> None:
    assert days_touched(at("23:00"), MIDNIGHT) == [MIDNIGHT.date() - timedelta(days=1)]


def test_a_buffer_alone_can_reach_into_the_day_before() -> None:
    early = seat(MIDNIGHT, buffers=(5, 0))
    assert days_touched(early.since, early.until) == [MIDNIGHT.date() - timedelta(days=1), MIDNIGHT.date()]


def test_a_refused_reservation_leaves_no_day_touched() -> None:
    calendar = Calendar()
    calendar.reserve(seat(MIDNIGHT))
    night = seat(at("23:30"))
    days = calendar.touched(night)
    versions = [day.version for day in days]
    with pytest.raises(SlotTaken):
        reserve(days, night, 1, NOW)
    assert [day.version for day in days] == versions


def test_releasing_what_is_free_is_not_an_error() -> None:
    day = a_day(MIDNIGHT.date())
    day.release(new_id(), NOW)
    assert [type(event).__name__ for event in day.pending_events] == ["Opened"]


def test_a_calendar_s_day_has_one_id() -> None:
    assert Day.id_of(CALENDAR, MIDNIGHT.date()) == Day.id_of(CALENDAR, MIDNIGHT.date())
    assert Day.id_of(CALENDAR, MIDNIGHT.date()) != Day.id_of(new_id(), MIDNIGHT.date())


def test_what_is_kept_for_a_while_is_free_at_its_second() -> None:
    calendar = Calendar()
    held = seat(at("23:30"))._replace(expires_at=NOW + timedelta(minutes=5))
    calendar.reserve(held)
    calendar.now = NOW + timedelta(minutes=5) - timedelta(microseconds=1)
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(at("23:30")))
    calendar.now = NOW + timedelta(minutes=5)
    calendar.reserve(late := seat(MIDNIGHT))
    assert calendar.seats() == {late}, "gone from both days, though the new one touches but one"


def test_what_is_confirmed_stays_in_its_lane() -> None:
    calendar = Calendar()
    calendar.reserve(first := seat(at("10:00"), service=COURSE), capacity=2)
    until = NOW + timedelta(minutes=5)
    calendar.reserve(held := seat(at("10:00"), service=COURSE)._replace(expires_at=until), capacity=2)
    (day,) = calendar.touched(held)
    day.extend(held.taker, until + timedelta(minutes=5), NOW)
    assert day.seats[held.taker].expires_at == until + timedelta(minutes=5)
    day.confirm(held.taker, NOW)
    assert calendar.seats() == {first, held._replace(lane=1, expires_at=None)}


def test_two_seats_of_one_lane_count_until_both_are_released() -> None:
    """As a log may have them that another release wrote."""
    day = a_day(MIDNIGHT.date())
    one, other = seat(MIDNIGHT, service=COURSE), seat(MIDNIGHT, service=COURSE)
    day.give(one, NOW)
    day.give(other, NOW)
    day.release(one.taker, NOW)
    reserve([day], late := seat(MIDNIGHT, service=COURSE), 2, NOW)
    assert day.seats[late.taker].lane == 1
    day.release(other.taker, NOW)
    day.release(late.taker, NOW)
    assert day.groups == {}


def test_a_session_of_thousands_is_taken_seat_by_seat() -> None:
    calendar = Calendar()
    lanes = [calendar.reserve(seat(at("10:00"), service=COURSE), capacity=3_000) for _ in range(3_000)]
    assert lanes == list(range(3_000))
    with pytest.raises(SlotTaken):
        calendar.reserve(seat(at("10:00"), service=COURSE), capacity=3_000)


SERVICES: dict[UUID, tuple[int, int, Buffers]] = {
    # minutes, capacity, buffers
    UUID(int=1): (30, 1, (0, 0)),
    UUID(int=2): (45, 1, (5, 10)),
    UUID(int=3): (60, 3, (0, 15)),
    UUID(int=4): (150, 2, (30, 30)),
}
STARTS = st.integers(-16, 16).map(lambda n: MIDNIGHT + timedelta(minutes=15 * n))


class AnyLife(RuleBasedStateMachine):
    """Appointments and holds come, move, lapse and go around a midnight; a list kept beside tells of each."""

    takers = Bundle("takers")

    def __init__(self) -> None:
        super().__init__()
        self.calendar = Calendar()
        self.kept: dict[UUID, tuple[UUID, datetime]] = {}
        self.until: dict[UUID, datetime] = {}

    def _stretch(self, service: UUID, start: datetime) -> Seat:
        minutes, _, buffers = SERVICES[service]
        return seat(start, minutes, service, buffers)

    def _forget_lapsed(self) -> None:
        for taker in [taker for taker, until in self.until.items() if until <= self.calendar.now]:
            del self.until[taker]
            self.kept.pop(taker, None)

    def _free(self, wanted: Seat) -> bool:
        """By counting, without a Day."""
        others = [self._stretch(*what) for what in self.kept.values()]
        near = [o for o in others if o.since < wanted.until and wanted.since < o.until]
        same = [o for o in near if (o.service_id, o.starts_at) == (wanted.service_id, wanted.starts_at)]
        return len(near) == len(same) < SERVICES[wanted.service_id][1]

    def _take(self, wanted: Seat) -> bool:
        free = self._free(wanted)
        try:
            self.calendar.reserve(wanted, SERVICES[wanted.service_id][1])
        except SlotTaken:
            assert not free
        else:
            assert free
            self.kept[wanted.taker] = wanted.service_id, wanted.starts_at
            if wanted.expires_at is not None:
                self.until[wanted.taker] = wanted.expires_at
        return free

    @rule(target=takers, service=st.sampled_from(sorted(SERVICES)), start=STARTS)
    def book(self, service: UUID, start: datetime) -> Any:
        wanted = self._stretch(service, start)
        return wanted.taker if self._take(wanted) else multiple()

    @rule(target=takers, service=st.sampled_from(sorted(SERVICES)), start=STARTS, minutes=st.integers(1, 9))
    def hold(self, service: UUID, start: datetime, minutes: int) -> Any:
        until = self.calendar.now + timedelta(minutes=minutes)
        wanted = self._stretch(service, start)._replace(expires_at=until)
        return wanted.taker if self._take(wanted) else multiple()

    @rule(minutes=st.integers(1, 9))
    def wait(self, minutes: int) -> None:
        self.calendar.now += timedelta(minutes=minutes)
        self._forget_lapsed()

    @rule(taker=takers, minutes=st.integers(1, 9))
    def extend(self, taker: UUID, minutes: int) -> None:
        if taker in self.until:
            self.until[taker] += timedelta(minutes=minutes)
            for day in self.calendar.days.values():
                if taker in day.seats:
                    day.extend(taker, self.until[taker], self.calendar.now)

    @rule(taker=takers)
    def confirm(self, taker: UUID) -> None:
        if self.until.pop(taker, None):
            for day in self.calendar.days.values():
                if taker in day.seats:
                    day.confirm(taker, self.calendar.now)

    @rule(taker=consumes(takers))
    def cancel(self, taker: UUID) -> None:
        self.calendar.release(taker)
        self.until.pop(taker, None)
        self.kept.pop(taker, None)

    @rule(taker=takers, start=STARTS)
    def move(self, taker: UUID, start: datetime) -> None:
        if taker not in self.kept or taker in self.until:
            return
        service, old = self.kept.pop(taker)
        before = {day: len(d.pending_events) for day, d in self.calendar.days.items()}
        self.calendar.release(taker)
        if not self._take(self._stretch(service, start)._replace(taker=taker)):
            for day, d in self.calendar.days.items():  # nothing was recorded: memory goes back, too
                del d.pending_events[max(before.get(day, 1), 1) :]
                self.calendar.days[day] = replayed(d)
            self.kept[taker] = service, old

    @invariant()
    def no_two_sessions_overlap(self) -> None:
        for one, other in combinations(self.calendar.seats(), 2):
            if one.since < other.until and other.since < one.until:
                assert (one.service_id, one.starts_at) == (other.service_id, other.starts_at)

    @invariant()
    def lanes_of_a_session_are_different_and_below_its_capacity(self) -> None:
        lanes = [(seat.service_id, seat.starts_at, seat.lane) for seat in self.calendar.seats()]
        assert len(set(lanes)) == len(lanes)
        assert all(lane < SERVICES[service][1] for service, _, lane in lanes)

    @invariant()
    def everybody_has_exactly_what_was_promised(self) -> None:
        there = {seat for seat in self.calendar.seats() if not seat.lapsed(self.calendar.now)}
        assert {s.taker: (s.service_id, s.starts_at) for s in there} == self.kept
        for day, d in self.calendar.days.items():
            assert all(day in days_touched(s.since, s.until) for s in d.seats.values())

    @invariant()
    def the_events_tell_what_memory_holds(self) -> None:
        for day in self.calendar.days.values():
            again = replayed(day)
            assert (again.seats, again.version) == (day.seats, day.version)
            read = evolve(None, list(day.pending_events))  # as from the log, where nothing is copied on the way
            assert isinstance(read, Day)
            assert (read.seats, read.groups, read.version) == (day.seats, day.groups, day.version)

    @invariant()
    def the_groups_count_the_seats(self) -> None:
        for day in self.calendar.days.values():
            assert day.groups == counted(day)


def counted(day: Day) -> dict[Any, SeatGroup]:
    """The groups of the Day's seats, by counting."""
    found: dict[Any, SeatGroup] = {}
    for each in day.seats.values():
        known = found.get(each.place)
        found[each.place] = SeatGroup.of(each) if known is None else known.having(each)
    return {place: group._replace(limited=limited(day, group)) for place, group in found.items()}


def limited(day: Day, group: SeatGroup) -> tuple[Seat, ...]:
    """In the order of the Day's own group, which an extension changes."""
    known = [seat.taker for seat in day.groups[group[:4]].limited]
    return tuple(sorted(group.limited, key=lambda seat: known.index(seat.taker)))


def replayed(day: Day) -> Day:
    """The Day as its events tell, which it keeps."""
    again: Any = None
    for event in day.pending_events:
        again = event.mutate(again)
    again._pending_events = list(day.pending_events)
    assert isinstance(again, Day)
    return again


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=examples(60), stateful_step_count=40)
