"""Holidays and closed organizations decide whether a time is free, at once and in what was kept."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from application.access import Role
from application.catalog.organization import (
    DeleteOrganization,
    delete_organization,
)
from application.catalog.provider import ChangeProvider, change_provider
from application.catalog.service import ChangeService, change_service
from application.scheduling.holiday import DeleteHoliday, ReplaceHoliday, delete_holiday, replace_holiday
from domain.scheduling.unavailable_reason import UnavailableReason
from tests.projections.clinic import Clinic, open_clinic
from tests.support.builders import an_organization, somebody

ADMIN = somebody(Role.ADMIN)
OFFICE = [f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 30)]


@pytest.fixture
async def clinic(database, engine, reads) -> AsyncIterator[Clinic]:
    async with open_clinic(database.application, engine, reads) as clinic:
        yield clinic


async def affiliate(clinic: Clinic, organization_id: UUID | None) -> None:
    told = {"organization_id": organization_id and str(organization_id)}
    command = ChangeProvider(by=ADMIN, provider_id=clinic.week.provider_id, profile=told)
    await change_provider(command, clinic.store)


async def close_on(clinic: Clinic, organization_id: UUID, day: date) -> None:
    command = ReplaceHoliday(by=ADMIN, organization_id=organization_id, date=day, name="Holiday")
    await replace_holiday(command, clinic.store)


async def free(clinic: Clinic, **asked: Any) -> list[str]:
    """Of the Monday, once all is read."""
    await clinic.catch_up()
    return await clinic.free(**asked)


async def why(clinic: Clinic, clock: str = "09:00") -> UnavailableReason | None:
    week = clinic.week
    told = await clinic.availability.why(week.service_id, week.provider_id, week.at(clock), now=clinic.store.now())
    return told.rule


async def test_no_time_is_free_on_a_holiday_until_it_is_lifted(clinic):
    salon, day = await an_organization(clinic.store, ADMIN), clinic.week.monday.date()
    await affiliate(clinic, salon)
    assert await free(clinic) == OFFICE
    await close_on(clinic, salon, day)
    assert await free(clinic) == []
    assert await why(clinic) is UnavailableReason.CLOSED
    assert await free(clinic, span=clinic.monday(2)) == OFFICE, "Tuesday is open"
    await delete_holiday(DeleteHoliday(by=ADMIN, organization_id=salon, date=day), clinic.store)
    assert await free(clinic) == OFFICE


async def test_a_holiday_counts_for_the_providers_of_the_organization_as_long_as_they_are(clinic):
    salon, other = [await an_organization(clinic.store, ADMIN) for _ in range(2)]
    await close_on(clinic, salon, clinic.week.monday.date())
    assert await free(clinic) == OFFICE
    for organization_id, expected in ((salon, []), (other, OFFICE), (salon, []), (None, OFFICE)):
        await affiliate(clinic, organization_id)
        assert await free(clinic) == expected


async def test_with_a_closed_organization_no_time_is_free(clinic):
    salon = await an_organization(clinic.store, ADMIN)
    await affiliate(clinic, salon)
    await delete_organization(DeleteOrganization(by=ADMIN, organization_id=salon), clinic.store)
    assert await free(clinic) == []
    assert await why(clinic) is UnavailableReason.INACTIVE


async def test_a_service_of_an_organization_is_free_with_its_providers_alone(clinic):
    salon = await an_organization(clinic.store, ADMIN)
    await affiliate(clinic, salon)
    shared = {"organization_id": str(salon)}
    await change_service(ChangeService(by=ADMIN, service_id=clinic.week.service_id, terms=shared), clinic.store)
    assert await free(clinic) == OFFICE
    await affiliate(clinic, None)
    assert await free(clinic) == []
    assert await why(clinic) is UnavailableReason.NOT_OFFERED_BY


async def test_an_answer_names_the_organization_whose_holidays_count(clinic):
    salon = await an_organization(clinic.store, ADMIN)
    await affiliate(clinic, salon)
    await clinic.catch_up()
    week = clinic.week
    for provider_id in (week.provider_id, None):
        prepared = await clinic.availability._prepare(
            week.service_id, provider_id, clinic.monday(), clinic.store.now(), None
        )
        assert prepared.ids == [id.bytes for id in (week.service_id, week.provider_id, salon)]
