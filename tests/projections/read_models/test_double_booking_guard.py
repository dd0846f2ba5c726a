"""Is anything booked twice? The second wall stands where the first should have held."""

from uuid import uuid4

import pytest
from sqlalchemy import select, text

from domain.booking.calendar_day import Day, days_touched
from domain.booking.seat import Seat
from projections.read_models.double_booking_guard import occupancy
from tests.projections.story import NOW, a_seat, at, days, seat_all


@pytest.fixture
def kept(look):
    """The stretches that are kept: (taker, since, until)."""

    async def kept():
        async with look("occupancy") as read:
            rows = await read.connection.execute(select(occupancy))
            return sorted((row.taker, row.stretch.lower, row.stretch.upper) for row in rows)

    return kept


@pytest.fixture
def stopped(engine):
    """Position and error at which the reader has stopped."""

    async def stopped():
        async with engine.connect() as connection:
            query = "SELECT stopped_at, error FROM read.bookmark WHERE reader = 'occupancy'"
            return (await connection.execute(text(query))).one()

    return stopped


def forced(day: Day, seat: Seat) -> None:
    """Reserve as no sound domain would."""
    day.give(seat, NOW)


async def test_touching_is_free(write, catch_up, kept, stopped):
    (day,) = days(uuid4(), at(9), at(11))
    first, second = a_seat(at(9), minutes=60), a_seat(at(10), minutes=60)
    seat_all([day], first)
    seat_all([day], second)
    await write(day)
    await catch_up()
    assert await kept() == sorted([(first.taker, at(9), at(10)), (second.taker, at(10), at(11))])
    assert await stopped() == (None, None)


@pytest.mark.parametrize("together", [True, False], ids=["in one page", "in two pages"])
async def test_an_overlap_stops_the_reader_at_the_event(write, catch_up, kept, stopped, together):
    (day,) = days(uuid4(), at(9), at(11))
    first, second = a_seat(at(9), minutes=60), a_seat(at(9, 59))
    forced(day, first)
    if not together:
        await write(day)
        await catch_up()
    forced(day, second)
    position = await write(day)
    await catch_up()
    at_, error = await stopped()
    assert at_ == position
    assert "occupancy_once" in error
    assert await kept() == [(first.taker, at(9), at(10))]


async def test_an_overlap_is_seen_across_days_of_one_calendar(write, catch_up, stopped):
    calendar = uuid4()
    evening, night = days(calendar, at(23), at(1, day=8))
    forced(evening, a_seat(at(23), minutes=120))  # and the next Day never heard of it
    forced(night, a_seat(at(0, 30, day=8)))
    position = await write(evening, night)
    await catch_up()
    assert (await stopped())[0] == position


async def test_other_calendars_are_free(write, catch_up, kept, stopped):
    calendars = [days(uuid4(), at(9), at(10))[0] for _ in range(2)]
    for day in calendars:
        seat_all([day], a_seat(at(9)))
    await write(*calendars)
    await catch_up()
    assert len(await kept()) == 2
    assert await stopped() == (None, None)


async def test_seats_of_one_session_share_its_time_each_in_a_lane(write, catch_up, kept, stopped):
    (day,) = days(uuid4(), at(9), at(10))
    yoga = uuid4()
    for _ in range(3):
        seat_all([day], a_seat(at(9), service_id=yoga), capacity=3)
    await write(day)
    await catch_up()
    assert len(await kept()) == 3
    assert await stopped() == (None, None)


async def test_two_in_one_lane_stop_the_reader(write, catch_up, stopped):
    (day,) = days(uuid4(), at(9), at(10))
    yoga = uuid4()
    forced(day, a_seat(at(9), service_id=yoga))
    forced(day, a_seat(at(9), service_id=yoga))
    position = await write(day)
    await catch_up()
    at_, error = await stopped()
    assert at_ == position
    assert "occupancy_lane" in error


async def test_another_start_of_the_same_service_is_another_session(write, catch_up, stopped):
    (day,) = days(uuid4(), at(9), at(10))
    yoga = uuid4()
    forced(day, a_seat(at(9), service_id=yoga))
    forced(day, a_seat(at(9, 15), service_id=yoga)._replace(lane=1))
    position = await write(day)
    await catch_up()
    assert (await stopped())[0] == position


async def test_a_stretch_across_midnight_counts_once_and_goes_when_released(write, catch_up, kept):
    both = days(uuid4(), at(23, 45), at(0, 15, day=8))
    seat = a_seat(at(23, 45))
    seat_all(both, seat)
    await write(*both)
    await catch_up()
    assert await kept() == [(seat.taker, at(23, 45), at(0, 15, day=8))]
    for day in both:
        day.release(seat.taker, NOW)
    await write(*both)
    await catch_up()
    assert await kept() == []


@pytest.mark.parametrize("old_first", [True, False], ids=["old days first", "new days first"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (at(9), at(9, 15)),
        (at(9), at(9, day=8)),
        (at(23, 45), at(9, day=8)),
        (at(9, day=8), at(23, 45)),
        (at(23, 45), at(23, 50)),
        (at(23, 45), at(23, 45, day=8)),
        (at(23, 45, day=8), at(23, 45)),
    ],
    ids=str,
)
async def test_a_move_leaves_the_new_stretch_alone(write, catch_up, kept, stopped, old, new, old_first):
    all_days = {day.date: day for day in days(uuid4(), at(0), at(23, day=9))}
    seat = a_seat(old)
    moved = seat._replace(starts_at=new, since=new, until=new + (seat.until - seat.since))
    olds, news = ([day.isoformat() for day in days_touched(one.since, one.until)] for one in (seat, moved))
    seat_all([all_days[date] for date in olds], seat)
    for date in olds:
        all_days[date].release(seat.taker, NOW)
    seat_all([all_days[date] for date in news], moved)
    order = dict.fromkeys([*olds, *news] if old_first else [*news, *olds])
    await write(*(all_days[date] for date in order))
    await catch_up()
    assert await stopped() == (None, None)
    assert await kept() == [(moved.taker, moved.since, moved.until)]
