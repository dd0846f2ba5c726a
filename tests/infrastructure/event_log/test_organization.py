"""Two processes: what one records of an organization binds what the other records after it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.access import Role
from application.booking.appointment import CancelAppointment, book_appointment, cancel_appointment
from application.booking.refusals import OutsideHours
from application.catalog.organization import (
    RemoveMember,
    remove_member,
)
from application.catalog.provider import ChangeProvider, change_provider
from application.scheduling.holiday import ReplaceHoliday, replace_holiday
from domain.errors import NotFound
from infrastructure.event_log.event_store import EventStore
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    an_open_week,
    an_organization,
    somebody,
)

Two = tuple[EventStore, EventStore]
ADMIN = somebody(Role.ADMIN)
STAFF = somebody(Role.PROVIDER)


async def a_salon(store: EventStore) -> tuple[OpenWeek, Any]:
    """A week whose provider belongs to an organization, where STAFF work; its id."""
    week = await an_open_week(store)
    id = await an_organization(store, somebody(Role.PROVIDER), staff=STAFF)
    told = {"organization_id": str(id)}
    await change_provider(ChangeProvider(by=ADMIN, provider_id=week.provider_id, profile=told), store)
    return week, id


async def position(recording: Awaitable[Any], refusal: type[Exception]) -> int | None:
    """Where it is recorded; None where it is refused."""
    try:
        return int((await recording).position)
    except refusal:
        return None


async def test_nothing_is_booked_after_the_holiday_that_another_process_has_set(two_stores: Two) -> None:
    here, there = two_stores
    week, id = await a_salon(here)
    await a_booked_appointment(here, week, "09:00")  # both have seen the organization open
    for day in range(1, 5):
        holiday = ReplaceHoliday(by=ADMIN, organization_id=id, date=week.at("00:00", day).date(), name="Closed")

        async def book(n: int, day: int = day) -> int | None:
            start = week.at("09:00", day) + timedelta(minutes=30 * n)
            booking = replace(week.booking("09:00"), start=start)
            return await position(book_appointment(booking, here), OutsideHours)

        early = [await book(n) for n in range(3)]
        *racing, closed = await asyncio.gather(
            *(book(n) for n in range(3, 9)), position(replace_holiday(holiday, there), NotFound)
        )
        late = [await book(n) for n in range(9, 12)]
        assert closed is not None
        assert all(early)
        assert all(at is None or at < closed for at in racing)
        assert late == [None] * 3


async def test_nothing_is_done_by_who_was_removed_on_another_process(two_stores: Two) -> None:
    here, there = two_stores
    week, id = await a_salon(here)
    made = [await a_booked_appointment(here, week, f"{hour}:00") for hour in range(10, 16)]

    def cancel(n: int) -> Awaitable[int | None]:
        command = CancelAppointment(by=STAFF, appointment_id=made[n].id, reason="spite")
        return position(cancel_appointment(command, here), NotFound)

    assert await cancel(0)
    removal = RemoveMember(by=ADMIN, organization_id=id, account_id=STAFF.account)
    *racing, removed = await asyncio.gather(
        *(cancel(n) for n in range(1, 5)), position(remove_member(removal, there), NotFound)
    )
    assert removed is not None
    assert all(at is None or at < removed for at in racing)
    with pytest.raises(NotFound):
        await cancel_appointment(CancelAppointment(by=STAFF, appointment_id=made[5].id, reason="spite"), here)
