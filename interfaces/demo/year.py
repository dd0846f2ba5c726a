"""A year of demo history: three organizations beside the town, lived through from a year ago until two days ago.

It goes through Daybook's own commands at the times of the past. It ends before yesterday, and no appointment of it is
open: so no reminder, notice or other job comes of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain

from application.event_log import EventStore
from domain.booking.calendar_day import Day, days_touched
from domain.people.customer import Customer
from interfaces.demo.book import Book, Busy
from interfaces.demo.charter import Act, Charter, town_id
from interfaces.demo.demand import filled
from interfaces.demo.houses import HOUSES, PEOPLE, Visitor, arrival, foundings, house_calendars, visitors
from interfaces.demo.play import BackInTime, Progress, look, play
from interfaces.demo.shop import DemoCalendar, openings, tags

YEAR = timedelta(days=365)
BEFORE = timedelta(days=2)
"""The age of the last events: Daybook sends no notice of what is older than a day."""


async def seed_year(
    store: EventStore, *, seed: int = 7, progress: Progress, now: datetime, in_flight: int = 64
) -> None:
    """The year of this seed, made unless the log has it; an interrupted run is continued.

    `now`, UTC: of the first run. `progress(done, of)` is called after every command. `in_flight`: commands at once.
    Raises application.event_log.Unavailable.
    """
    if await has_year(store, seed=seed):
        return
    (founder,) = await look(store, seed, Customer, [town_id(seed, "customer", "year", 0, 0)])
    founded = founder.created_at if founder else await _found(store, seed, now)
    await _make(store, Charter(seed, founded, YEAR), progress, in_flight)


async def has_year(store: EventStore, *, seed: int = 7) -> bool:
    """Whether the year of this seed is there in whole: its last customer arrives when all else is done."""
    last = town_id(seed, "customer", "year", len(HOUSES) - 1, PEOPLE - 1)
    return (await look(store, seed, Customer, [last]))[0] is not None


async def _found(store: EventStore, seed: int, now: datetime) -> datetime:
    """When the year began: the date of its first customer, which later runs read."""
    charter = Charter(seed, now.replace(second=0, microsecond=0) - BEFORE - YEAR, YEAR)
    act = arrival(charter, visitors(charter)[0])
    done = await act.handler(act.command, BackInTime(store, act.at))
    founded: datetime = done.aggregate.created_at  # of an earlier run, if there was one
    return founded


async def _make(store: EventStore, charter: Charter, progress: Progress, in_flight: int) -> None:
    houses, everybody = house_calendars(charter), visitors(charter)
    arrivals = [arrival(charter, each) for each in everybody]
    calendars = list(chain.from_iterable(houses))
    stages = [
        [*tags(charter)],
        [*foundings(charter, houses)],
        [*openings(charter, calendars)],
        arrivals[:-1],
        lives(charter, houses, everybody[:-1]),
        arrivals[-1:],
    ]
    days = [
        Day.id_of(calendar.provider_id, date)
        for calendar in calendars
        for date in days_touched(charter.founded, charter.today)
    ]
    await look(store, charter.seed, Day, days)  # all at once, instead of each when it is first booked
    await play(store, charter.seed, stages, progress, in_flight)


def lives(charter: Charter, houses: Sequence[Sequence[DemoCalendar]], everybody: Sequence[Visitor]) -> list[Act]:
    """Every appointment's life, in the order of the bookings."""
    acts: list[Act] = []
    for number, calendars in enumerate(houses):
        people = [each for each in everybody if each.house == number]
        busy: Busy = set()
        acts += [act for calendar in calendars for act in filled(Book(charter, calendar, people, busy))]
    return sorted(acts, key=lambda act: act.at)
