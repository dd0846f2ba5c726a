"""Any provider of a service: what happens to the calendars of the others neither delays nor refuses a booking."""

import pytest

from application.access import Role
from application.booking.appointment import CancelAppointment, cancel_appointment
from domain.booking.calendar_day import SlotTaken
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import LogEntry
from infrastructure.event_log.memory_journal import MemoryJournal
from tests.support.builders import OpenWeek, a_booked_appointment, a_provider, a_service, monday_after, somebody
from tests.support.sealed import MASTERS


class _Watched(MemoryJournal):
    """A journal that keeps the entries that it was asked to append."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[LogEntry] = []

    async def append(self, entry: LogEntry):
        self.asked.append(entry)
        return await super().append(entry)


class _Choice:
    """Two processes on one log, and a service of two providers, the first of whom is tried first."""

    def __init__(self, journal: _Watched, week: OpenWeek, providers: list, other: EventStore) -> None:
        self.journal, self.week, self.other = journal, week, other
        self.first, self.second = providers

    async def booked(self, store: EventStore, clock: str, **more):
        return await a_booked_appointment(store, self.week, clock, somebody(), **more)


@pytest.fixture
async def choice() -> _Choice:
    journal = _Watched()
    here, other = EventStore(journal, MASTERS), EventStore(journal, MASTERS)
    owner = somebody(Role.PROVIDER)
    providers = sorted([await a_provider(here, owner), await a_provider(here, owner)])
    service_id = await a_service(here, owner, *providers)
    week = OpenWeek(here, owner, providers[0], service_id, monday_after(here.now()))
    return _Choice(journal, week, providers, other)


async def test_a_booking_is_not_stale_for_what_happens_to_a_provider_who_was_passed_over(choice: _Choice) -> None:
    week = choice.week
    await choice.booked(week.store, "09:00", provider_id=choice.first)
    for clock in ("10:00", "11:00", "12:00"):  # this process does not know of them
        await choice.booked(choice.other, clock, provider_id=choice.first)
    choice.journal.asked.clear()
    made = await choice.booked(week.store, "09:00", provider_id=None)
    assert made.provider_id == choice.second
    assert len(choice.journal.asked) == 1


async def test_a_refusal_is_confirmed_on_the_calendars_of_all_providers(choice: _Choice) -> None:
    week = choice.week
    taken = await choice.booked(week.store, "09:00", provider_id=choice.first)
    await choice.booked(week.store, "09:00", provider_id=choice.second)
    with pytest.raises(SlotTaken):
        await choice.booked(week.store, "09:00", provider_id=None)
    cancelling = CancelAppointment(by=week.owner, appointment_id=taken.id, reason="ill")
    await cancel_appointment(cancelling, choice.other)  # this process does not know of it
    made = await choice.booked(week.store, "09:00", provider_id=None)
    assert made.provider_id == choice.first


async def test_the_chosen_provider_binds(choice: _Choice) -> None:
    week = choice.week
    await choice.booked(week.store, "09:30", provider_id=choice.first)  # so that its Day is known
    await choice.booked(choice.other, "09:00", provider_id=choice.first)  # this process does not know of it
    choice.journal.asked.clear()
    made = await choice.booked(week.store, "09:00", provider_id=None)
    assert made.provider_id == choice.second
    assert len(choice.journal.asked) == 2  # the first attempt chose the first provider, and was stale
