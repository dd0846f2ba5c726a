"""The year of demo history: what it shows, that it is over, that it is made once and can be interrupted."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

import pytest

from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus
from domain.catalog.organization import Organization
from domain.people.customer import Customer
from domain.scheduling.interval import Interval, overlaps
from infrastructure.event_log.memory_journal import MemoryJournal
from infrastructure.jobs.enrolment import TELL_WITHIN
from interfaces.demo.houses import HOUSES
from interfaces.demo.year import has_year, seed_year
from tests.interfaces.demo.test_town import (
    BusyJournal,
    Content,
    Killed,
    a_process,
    content,
    everything,
    ignore,
    killed_at,
)

NOW = datetime(2026, 3, 24, 11, 17, 42, tzinfo=UTC)
MONTH_LATER = NOW + timedelta(days=30)


class Lived(NamedTuple):
    """A year, and what is in its log."""

    journal: MemoryJournal
    content: Content
    reported: list[tuple[int, int]]
    appointments: list[Appointment]


def lived(journal: MemoryJournal) -> Lived:
    reported = list[tuple[int, int]]()
    asyncio.run(seed_year(a_process(journal), progress=lambda *told: reported.append(told), now=NOW))
    said = content(journal)
    found = asyncio.run(everything(a_process(journal), list(said)))
    return Lived(journal, said, reported, [a for a in found if isinstance(a, Appointment)])


@pytest.fixture(scope="module")
def whole() -> Lived:
    return lived(MemoryJournal())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Lived:
    """Ten weeks of one house with a few customers."""
    monkeypatch.setattr("interfaces.demo.year.YEAR", timedelta(days=75))
    for place in ("houses", "year"):
        monkeypatch.setattr(f"interfaces.demo.{place}.PEOPLE", 80)
        monkeypatch.setattr(f"interfaces.demo.{place}.HOUSES", HOUSES[1:2])
    return lived(BusyJournal())


def test_nothing_that_the_year_wants_is_refused(whole: Lived) -> None:
    made = Counter(events[0][0] for events in whole.content.values())
    others = made["Organization.Founded"] + made["Customer.Registered"] + made["Tag.Coined"]
    steps = sum(len(e) for e in whole.content.values() if e[0][0] in {"Provider.Joined", "Service.Offered"})
    steps += sum(len(e) - 1 for e in whole.content.values() if e[0][0] == "Schedule.Opened")
    assert made["Appointment.Booked"] + others + steps == whole.reported[-1][1]


def test_every_appointment_has_ended_and_no_event_is_so_young_that_anybody_is_told(whole: Lived) -> None:
    ended = {AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW, AppointmentStatus.CANCELLED}
    assert {a.status for a in whole.appointments} == ended
    # A cancelled one may lie ahead of the last day of the log, never of the year.
    assert max(a.ends_at for a in whole.appointments) < NOW - TELL_WITHIN
    said = [event["timestamp"] for events in whole.content.values() for _, event in events]
    assert max(at for at in said if isinstance(at, datetime)) < NOW - TELL_WITHIN


def test_there_is_something_for_every_report(whole: Lived) -> None:
    status = Counter(a.status for a in whole.appointments)
    total = len(whole.appointments)
    assert 8_000 < total < 14_000
    assert 0.02 < status[AppointmentStatus.NO_SHOW] / total < 0.1
    assert 0.05 < status[AppointmentStatus.CANCELLED] / total < 0.2
    late = [a for a in whole.appointments if a.cancelled and a.cancelled["late"]]
    assert len(late) > 50
    assert all(a.cancelled and a.cancelled["fee"] > 0 for a in late)
    assert {a.currency for a in whole.appointments} == {"EUR", "GBP"}
    assert len({a.price for a in whole.appointments}) >= 5
    assert len({a.organization_id for a in whole.appointments}) == len(HOUSES)
    begun = [event for events in whole.content.values() for topic, event in events if topic == "Appointment.Booked"]
    assert {event["channel"] for event in begun} == {"page", "api", "staff"}
    assert all(event["demo"] for event in begun)


def test_there_are_seasons_and_weekdays(whole: Lived) -> None:
    months = Counter(a.starts_at.month for a in whole.appointments)
    assert months[12] > 1.2 * months[8]
    weekdays = Counter(a.starts_at.weekday() for a in whole.appointments)
    assert weekdays[4] > weekdays[1]


def test_customers_come_again_and_new_ones_come_all_year(whole: Lived) -> None:
    first: dict[UUID, datetime] = {}
    for a in sorted(whole.appointments, key=lambda a: a.starts_at):
        first.setdefault(a.customer_id, a.starts_at)
    assert len(whole.appointments) > 10 * len(first)
    assert len({(at.year, at.month) for at in first.values()}) >= 12


def test_nobody_has_to_be_in_two_places(whole: Lived) -> None:
    promised: dict[UUID, list[Interval]] = defaultdict(list)
    for a in whole.appointments:
        if a.status is not AppointmentStatus.CANCELLED:
            promised[a.customer_id].append(Interval(a.starts_at, a.ends_at))
    for one in promised.values():
        assert not any(overlaps(a, b) for a, b in pairwise(sorted(one)))


def test_nobody_has_an_address_to_write_to(small: Lived) -> None:
    found = asyncio.run(everything(a_process(small.journal), list(small.content)))
    people = [a for a in found if isinstance(a, Customer)]
    assert len(people) == 80
    assert not any(a.email or a.phone for a in people)
    assert sum(isinstance(a, Organization) for a in found) == 1


async def test_a_second_making_adds_nothing(small: Lived) -> None:
    before = list(small.journal.rows)
    store = a_process(small.journal, MONTH_LATER)
    assert await has_year(store)
    await seed_year(store, progress=unexpected, now=MONTH_LATER)
    assert small.journal.rows == before


def unexpected(done: int, of: int) -> None:
    raise AssertionError(f"{done} of {of}")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
async def test_a_making_that_was_killed_continues_to_the_same_year(small: Lived, share: float) -> None:
    journal = BusyJournal()
    with pytest.raises(Killed):
        await seed_year(a_process(journal), progress=killed_at(share), now=NOW)
    assert 0 < len(journal.rows) < len(small.journal.rows)
    assert not await has_year(a_process(journal))
    await seed_year(a_process(journal, MONTH_LATER), progress=ignore, now=MONTH_LATER, in_flight=4)
    assert content(journal) == small.content


async def test_a_life_is_in_the_log_whole_or_not_at_all(small: Lived) -> None:
    """No process finds a booking of the past that nobody has ended, whenever the making is killed."""
    journal = BusyJournal()
    with pytest.raises(Killed):
        await seed_year(a_process(journal), progress=killed_at(0.7), now=NOW)
    found = await everything(a_process(journal), list(content(journal)))
    there = [a for a in found if isinstance(a, Appointment)]
    assert there
    assert all(a.status is not AppointmentStatus.BOOKED for a in there)
    assert len(there) < len(small.appointments)
