"""What restates a period that is over: what docs/analysts.md lists, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms, Reason
from domain.booking.hold import Hold
from domain.booking.origin import Party
from domain.booking.placement import Booking, Move, Placement
from domain.booking.waitlist import Waiting, WaitlistRequest
from domain.catalog.organization import Organization
from domain.kernel import Aggregate
from domain.people.customer import Customer
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from projections.analysis.metric import Dimension
from projections.analysis.metrics import METRICS
from tests.projections.analysis.conftest import Figures
from tests.projections.analysis.life import POLICY
from tests.projections.conftest import CatchUp, Write
from tests.projections.story import NOW, a_customer, a_provider, a_service, an_organization, at

DAY = timedelta(days=1)
LATER = NOW + 40 * DAY
TERMS = BookedTerms(2500, "EUR", POLICY)
PAST = date(2030, 1, 7), date(2030, 1, 27)
LAST_WEEK_OF_IT = datetime(2030, 1, 21, 10, tzinfo=NOW.tzinfo)


@dataclass
class Business:
    """One salon with a provider, whose past has an appointment of each kind."""

    salon: Organization
    provider: Any
    schedule: Schedule
    service: Any
    guest: Customer
    known: Customer
    missed: Appointment
    open: Appointment
    done: Appointment


def placed(provider: Any, start: datetime) -> Placement:
    return Placement(provider.id, start, 60, 0, 0, "Europe/Berlin")


def booked(business: tuple[Any, Any], customer: Customer, start: datetime, now: datetime) -> Appointment:
    provider, service = business
    booking = Booking(uuid4(), service.id, customer.id, placed(provider, start))
    return Appointment.book(uuid4(), booking, TERMS, None, now)


@pytest.fixture
async def business(write: Write, catch_up: CatchUp) -> Business:
    salon = an_organization()
    provider = a_provider(organization_id=str(salon.id))
    service = a_service(provider, capacity=2)
    schedule = Schedule(
        id=Schedule.id_of(provider.id), calendar_id=provider.id, timezone="Europe/Berlin", timestamp=NOW
    )
    schedule.set_weekly(uuid4(), "Europe/Berlin", {str(n): [[480, 1080]] for n in range(7)}, NOW)
    guest, known = a_customer("Guest"), a_customer("Known")
    of = provider, service
    missed = booked(of, known, LAST_WEEK_OF_IT, NOW)
    missed.miss(uuid4(), LAST_WEEK_OF_IT + DAY / 24)
    still = booked(of, guest, LAST_WEEK_OF_IT + DAY, NOW)
    done, again = booked(of, known, at(10, day=8), NOW), booked(of, guest, at(10, day=9), NOW)
    for each, start in ((done, at(10, day=8)), (again, at(10, day=9))):
        each.complete(uuid4(), start)
    gone = booked(of, guest, at(14, day=15), NOW)
    gone.cancel(uuid4(), Reason(), Party.CUSTOMER, at(9, day=15))
    await write(salon, provider, service, schedule, guest, known, missed, still, done, again, gone)
    await catch_up()
    return Business(salon, provider, schedule, service, guest, known, missed, still, done)


async def past(figures: Figures) -> dict[str, Any]:
    """Every metric over the period, as a whole and by day and provider."""
    found: dict[str, Any] = {}
    for name, metric in METRICS.items():
        days = [each for each in (Dimension.PROVIDER, Dimension.DAY) if each in metric.dimensions]
        for by in ((), days):
            found[f"{name} {len(by)}"] = await figures(name, *by, since=PAST[0], until=PAST[1])
    return found


Happening = Callable[[Business], Aggregate]


def _did(what: Callable[[Business], Any], whose: Callable[[Business], Aggregate]) -> Happening:
    def happen(business: Business) -> Aggregate:
        what(business)
        return whose(business)

    return happen


def _waits(business: Business) -> Aggregate:
    dates: Any = {"from": "2030-03-01", "to": "2030-03-09"}
    wish = WaitlistRequest(business.guest.id, business.service.id, None, dates, [], "Europe/Berlin")
    return Waiting.join(uuid4(), uuid4(), wish, LATER)


def _holds(business: Business) -> Aggregate:
    booking = Booking(uuid4(), business.service.id, business.guest.id, placed(business.provider, LATER + DAY))
    return Hold.place(uuid4(), booking, LATER + DAY / 24, LATER)


def _books(business: Business) -> Aggregate:
    return booked((business.provider, business.service), business.known, LATER + 9 * DAY, LATER)


WEEK = {str(n): [[0, 60]] for n in range(7)}
OFF = Interval(LAST_WEEK_OF_IT - DAY, LAST_WEEK_OF_IT + DAY)
THAT_DAY = LAST_WEEK_OF_IT.date()
HARMLESS: dict[str, Happening] = {
    "a booking": _books,
    "a hold": _holds,
    "a place in the waitlist": _waits,
    "a weekly plan": _did(lambda b: b.schedule.set_weekly(uuid4(), "Europe/Berlin", WEEK, LATER), lambda b: b.schedule),
    "a zone": _did(lambda b: b.schedule.set_weekly(uuid4(), "Asia/Kolkata", WEEK, LATER), lambda b: b.schedule),
    "time off ahead": _did(
        lambda b: b.schedule.take_time_off(uuid4(), uuid4(), Interval(LATER, LATER + DAY), "", LATER),
        lambda b: b.schedule,
    ),
    "a price": _did(lambda b: b.service.change(uuid4(), {"price": 9}, LATER), lambda b: b.service),
    "a capacity": _did(lambda b: b.service.change(uuid4(), {"capacity": 9}, LATER), lambda b: b.service),
    "another organization": _did(
        lambda b: b.provider.change(uuid4(), {"organization_id": None}, LATER), lambda b: b.provider
    ),
    "a holiday ahead": _did(lambda b: b.salon.set_holiday(uuid4(), LATER.date(), "Off", LATER), lambda b: b.salon),
    "a name": _did(lambda b: b.salon.change(uuid4(), {"name": "Other"}, LATER), lambda b: b.salon),
    "a closed organization": _did(lambda b: b.salon.close(uuid4(), LATER), lambda b: b.salon),
    "a deactivated provider": _did(lambda b: b.provider.deactivate(uuid4(), LATER), lambda b: b.provider),
    "a withdrawn service": _did(lambda b: b.service.withdraw(uuid4(), LATER), lambda b: b.service),
    "an erased person": _did(lambda b: b.known.forget(uuid4(), LATER), lambda b: b.known),
    "another name of a person": _did(lambda b: b.known.change(uuid4(), {"name": "X"}, LATER), lambda b: b.known),
}
RESTATING: dict[str, Happening] = {
    "a no-show": _did(lambda b: b.open.miss(uuid4(), LATER), lambda b: b.open),
    "its undo": _did(lambda b: b.missed.undo_no_show(uuid4(), LAST_WEEK_OF_IT + DAY), lambda b: b.missed),
    "a completion": _did(lambda b: b.open.complete(uuid4(), LATER), lambda b: b.open),
    "a cancellation": _did(lambda b: b.open.cancel(uuid4(), Reason(), Party.STAFF, LATER), lambda b: b.open),
    "a move": _did(
        lambda b: b.open.reschedule(
            uuid4(), Move(placed(b.provider, LATER + DAY)), TERMS, by_customer=False, now=LATER
        ),
        lambda b: b.open,
    ),
    "time off": _did(lambda b: b.schedule.take_time_off(uuid4(), uuid4(), OFF, "", LATER), lambda b: b.schedule),
    "an override": _did(lambda b: b.schedule.override(uuid4(), THAT_DAY, [], LATER), lambda b: b.schedule),
    "a holiday": _did(lambda b: b.salon.set_holiday(uuid4(), THAT_DAY, "Off", LATER), lambda b: b.salon),
    "a claim": _did(lambda b: b.guest.claim(b.known.id, LATER), lambda b: b.guest),
    "a merge": _did(
        lambda b: b.guest.trigger_event(Customer.Merged, by=uuid4(), into=b.known.id, timestamp=LATER),
        lambda b: b.guest,
    ),
}


async def _after(
    happening: Happening, business: Business, write: Write, catch_up: Callable[[], Awaitable[None]]
) -> None:
    await write(happening(business))
    await catch_up()


@pytest.mark.parametrize("name", HARMLESS)
async def test_what_is_not_on_the_list_leaves_a_period_that_is_over_as_it_was(
    name: str, business: Business, figures: Figures, write: Write, catch_up: CatchUp
) -> None:
    before = await past(figures)
    await _after(HARMLESS[name], business, write, catch_up)
    assert repr(await past(figures)) == repr(before)


@pytest.mark.parametrize("name", RESTATING)
async def test_what_is_on_the_list_restates_the_days_that_it_is_about_and_no_others(
    name: str, business: Business, figures: Figures, write: Write, catch_up: CatchUp
) -> None:
    before = await past(figures)
    await _after(RESTATING[name], business, write, catch_up)
    after = await past(figures)
    assert after != before
    untouched = [key for key in after if key.endswith(" 2") and not key.startswith(("bookings", "cancel", "moves"))]
    if name in {"a claim", "a merge"}:
        return  # persons: on every date of theirs
    about = {THAT_DAY + n * DAY for n in range(-1, 3)}
    for key in untouched:
        same = [[row for row in rows if row["day"] not in about] for rows in (before[key], after[key])]
        assert repr(same[0]) == repr(same[1]), key
