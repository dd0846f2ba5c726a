"""A provider's hours, less the holidays of the organization: what a booking is held against."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from application.access import Role
from application.booking.appointment import (
    RescheduleAppointment,
    book_appointment,
    reschedule_appointment,
)
from application.booking.refusals import OutsideHours
from application.catalog.organization import (
    DeleteOrganization,
    delete_organization,
)
from application.catalog.provider import ChangeProvider, change_provider
from application.scheduling.holiday import DeleteHoliday, ReplaceHoliday, delete_holiday, replace_holiday
from domain.catalog.provider import ProviderInactive
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, an_organization, somebody

ADMIN = somebody(Role.ADMIN)


@pytest.fixture
async def organization_id(store: Clocked, week: OpenWeek) -> UUID:
    """The week's provider belongs to it."""
    id = await an_organization(store, somebody(Role.PROVIDER))
    told = {"organization_id": str(id)}
    await change_provider(ChangeProvider(by=ADMIN, provider_id=week.provider_id, profile=told), store)
    return id


def holiday(organization_id: UUID, day: date) -> ReplaceHoliday:
    return ReplaceHoliday(by=ADMIN, organization_id=organization_id, date=day, name="Holiday")


@pytest.mark.parametrize("named", [True, False])
async def test_nothing_is_booked_on_a_holiday_until_it_is_lifted(
    store: Clocked, week: OpenWeek, organization_id: UUID, named: bool
) -> None:
    day = week.monday.date()
    whom = {} if named else {"provider_id": None}
    await replace_holiday(holiday(organization_id, day), store)
    with pytest.raises(OutsideHours):
        await book_appointment(week.booking("09:00", **whom), store)
    tuesday = replace(week.booking("09:00", **whom), start=week.at("09:00", day=1))
    await book_appointment(tuesday, store)
    await delete_holiday(DeleteHoliday(by=ADMIN, organization_id=organization_id, date=day), store)
    await book_appointment(week.booking("09:00", **whom), store)


async def test_nothing_is_moved_onto_a_holiday(store: Clocked, week: OpenWeek, organization_id: UUID) -> None:
    by = somebody()
    made = await a_booked_appointment(store, week, by=by)
    await replace_holiday(holiday(organization_id, week.at("00:00", day=1).date()), store)
    move = RescheduleAppointment(by=by, appointment_id=made.id, start=week.at("09:00", day=1))
    with pytest.raises(OutsideHours):
        await reschedule_appointment(move, store)


async def test_a_holiday_of_another_organization_closes_nothing(
    store: Clocked, week: OpenWeek, organization_id: UUID
) -> None:
    other = await an_organization(store, somebody(Role.PROVIDER))
    await replace_holiday(holiday(other, week.monday.date()), store)
    assert other != organization_id
    await book_appointment(week.booking("09:00"), store)


@pytest.mark.parametrize("named", [True, False])
async def test_with_a_closed_organization_nothing_is_booked(
    store: Clocked, week: OpenWeek, organization_id: UUID, named: bool
) -> None:
    await delete_organization(DeleteOrganization(by=ADMIN, organization_id=organization_id), store)
    with pytest.raises(ProviderInactive):
        await book_appointment(week.booking("09:00", **({} if named else {"provider_id": None})), store)


async def test_without_an_organization_none_is_looked_at(store: Clocked, week: OpenWeek) -> None:
    before = set(store.cache._known)
    booking = week.booking("09:00", id=new_id())
    done = await book_appointment(booking, store)
    read = set(store.cache._known) - before
    assert len(read) == 3, "the customer, the appointment and the Day"
    assert {done.aggregate.id, booking.by.id} < read
