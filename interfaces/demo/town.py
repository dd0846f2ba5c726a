"""The demo town: runs the commands that make its providers, customers and appointments."""

from datetime import datetime, timedelta
from uuid import UUID

from application.event_log import EventStore
from domain.booking.calendar_day import Day, days_touched
from domain.catalog.service import Service
from domain.people.customer import Customer
from domain.scheduling.availability import Occupied, starts
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from interfaces.demo.charter import AHEAD, HISTORY, Charter, admin, town_id
from interfaces.demo.customer import PEOPLE, arrival, people
from interfaces.demo.first_booking import FirstBooking
from interfaces.demo.life import appointments
from interfaces.demo.play import BackInTime, Progress, look, play
from interfaces.demo.shop import calendars, openings, tags

_LOOK_AHEAD = timedelta(days=14)


async def seed(store: EventStore, *, seed: int = 7, progress: Progress, now: datetime) -> FirstBooking:
    """The town of this seed, made unless the log has it; an interrupted run is continued.

    `now`, UTC: today of the first run. `progress(done, of)` is called after every command.
    Raises application.event_log.Unavailable.
    """
    first, last = (town_id(seed, "customer", n) for n in (0, PEOPLE - 1))
    founder, newest = await look(store, seed, Customer, [first, last])
    if newest is None:  # the last customer arrives when all else is done
        founded = founder.created_at if founder else await _found(store, seed, now)
        await _make(store, Charter(seed, founded), progress)
    return await _town(store, seed, now)


async def _found(store: EventStore, seed: int, now: datetime) -> datetime:
    """When the town was founded: the date of its first customer, which later runs read."""
    charter = Charter(seed, now.replace(second=0, microsecond=0) - HISTORY)
    first = people(charter, calendars(charter))[0]
    act = arrival(charter, 0, first)
    done = await act.handler(act.command, BackInTime(store, act.at))
    founded: datetime = done.aggregate.created_at  # of an earlier run, if there was one
    return founded


async def _make(store: EventStore, charter: Charter, progress: Progress) -> None:
    """The acts by stage: acts of one stage may overtake one another."""
    everybody = calendars(charter)
    inhabitants = people(charter, everybody)
    arrivals = [arrival(charter, n, person) for n, person in enumerate(inhabitants)]
    stages = [
        list(tags(charter)),
        list(openings(charter, everybody)),
        arrivals[:-1],
        appointments(charter, everybody, inhabitants[:-1]),
        arrivals[-1:],
    ]
    dates = days_touched(charter.founded, charter.today + AHEAD)
    days = [Day.id_of(calendar.provider_id, date) for calendar in everybody for date in dates]
    await look(store, charter.seed, Day, days)  # all at once, instead of each when it is first booked
    await play(store, charter.seed, stages, progress)


async def _town(store: EventStore, seed: int, now: datetime) -> FirstBooking:
    provider_id, service_id = town_id(seed, "provider", 0, 0), town_id(seed, "service", 0, 0)
    return FirstBooking(
        provider_id=provider_id,
        service_id=service_id,
        start=await _free_start(store, seed, provider_id, service_id, now),
        customer_id=town_id(seed, "customer", 0),
        owner_id=town_id(seed, "owner", 0),
        admin_id=admin(seed).account,
    )


async def _free_start(
    store: EventStore, seed: int, provider_id: UUID, service_id: UUID, now: datetime
) -> datetime | None:
    """The first start from tomorrow on, so that the notice does not expire while the user reads about it."""
    (service,) = await look(store, seed, Service, [service_id])
    (schedule,) = await look(store, seed, Schedule, [Schedule.id_of(provider_id)])
    if service is None or schedule is None:
        return None
    within = Interval(now + timedelta(days=1), now + _LOOK_AHEAD)
    dates = days_touched(now, within.end + timedelta(days=1))
    days = await look(store, seed, Day, [Day.id_of(provider_id, date) for date in dates])
    seats = {seat for day in days if day is not None for seat in day.seats.values()}
    occupied = [Occupied(s.since, s.until, s.service_id, s.starts_at) for s in seats]
    offered = starts(service.slot_terms(), schedule.hours(), occupied, within, now)
    return offered[0].start if offered else None
