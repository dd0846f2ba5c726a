"""Opening and closing a calendar."""

from dataclasses import replace
from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.catalog.provider import DeleteProvider, delete_provider
from application.scheduling.schedule import (
    CancelTimeOff,
    ChangeTimeOff,
    DeleteOverride,
    ReplaceOverride,
    ReplaceSchedule,
    TakeTimeOff,
    cancel_time_off,
    change_time_off,
    delete_override,
    replace_override,
    replace_schedule,
    take_time_off,
)
from domain.catalog.provider import ProviderInactive
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import TimeOffExists
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, somebody


def changes(week: OpenWeek, by: Caller) -> list[tuple[Any, Any, str]]:
    """Every change of a schedule, in an order in which each makes sense, and what it records."""
    said: dict[str, Any] = {"by": by, "calendar_id": week.provider_id}
    off, id, date = Interval(week.at("12:00"), week.at("13:00")), new_id(), week.monday.date()
    later = Interval(week.at("13:00"), week.at("14:00"))
    return [
        (replace_schedule, ReplaceSchedule(**said, timezone="UTC", weekly={"0": [[60, 120]]}), "WeeklySet"),
        (replace_override, ReplaceOverride(**said, date=date, hours=[(60, 90)]), "Overridden"),
        (delete_override, DeleteOverride(**said, date=date), "OverrideLifted"),
        (take_time_off, TakeTimeOff(**said, id=id, off=off), "TimeOffTaken"),
        (change_time_off, ChangeTimeOff(**said, id=id, off=later), "TimeOffChanged"),
        (cancel_time_off, CancelTimeOff(**said, id=id), "TimeOffCancelled"),
    ]


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.ADMIN])
async def test_the_owner_and_admins_change_it(store: Clocked, week: OpenWeek, role: Role) -> None:
    by = week.owner if role is Role.PROVIDER else somebody(role)
    for run, cmd, recorded in changes(week, by):
        before = store.position
        await run(cmd, store)
        assert store.recorded(before) == [f"Schedule.{recorded}"]


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (somebody(Role.CUSTOMER), Forbidden),
        (somebody(Role.AUDITOR), Forbidden),
        (somebody(Role.ANALYST), Forbidden),
        (somebody(Role.PROVIDER), NotFound),
    ],
)
async def test_nobody_else_does(store: Clocked, week: OpenWeek, by: Caller, refusal: type[Exception]) -> None:
    before = store.position
    for run, cmd, _ in changes(week, by):
        with pytest.raises(refusal):
            await run(cmd, store)
    assert store.position == before


async def test_an_old_version_is_refused(store: Clocked, week: OpenWeek) -> None:
    for run, cmd, _ in changes(week, week.owner):
        with pytest.raises(Stale):
            await run(replace(cmd, version=1), store)
        await run(cmd, store)


async def test_a_zone_must_exist(store: Clocked, week: OpenWeek) -> None:
    cmd = ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="Mars/Base", weekly={})
    with pytest.raises(Invalid) as refused:
        await replace_schedule(cmd, store)
    assert refused.value.pointer == "/timezone"


async def test_what_has_ended_is_not_opened_again(store: Clocked, week: OpenWeek) -> None:
    await delete_provider(DeleteProvider(by=week.owner, provider_id=week.provider_id), store)
    for run, cmd, _ in changes(week, week.owner):
        with pytest.raises(ProviderInactive):
            await run(cmd, store)


async def test_a_calendar_that_does_not_exist_is_not_found(store: Clocked, week: OpenWeek) -> None:
    for run, cmd, _ in changes(week, week.owner):
        with pytest.raises(NotFound):
            await run(replace(cmd, calendar_id=new_id()), store)


async def test_time_off_that_is_there_is_not_taken_over(store: Clocked, week: OpenWeek) -> None:
    """As happens when an Idempotency-Key is used again after it was forgotten."""
    id = new_id()
    first = Interval(week.at("09:00"), week.at("10:00"))
    other = Interval(week.at("11:00"), week.at("12:00"))
    await take_time_off(TakeTimeOff(by=week.owner, calendar_id=week.provider_id, id=id, off=first), store)
    with pytest.raises(TimeOffExists):
        await take_time_off(TakeTimeOff(by=week.owner, calendar_id=week.provider_id, id=id, off=other), store)


async def test_the_first_hours_of_a_calendar_have_no_appointments_checked_and_each_change_after_them_does(
    store: Clocked, week: OpenWeek
) -> None:
    assert [job.kind for job in store.memory.jobs] == []
    later = {str(day): [[600, 1020]] for day in range(7)}
    await replace_schedule(
        ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="UTC", weekly=later), store
    )
    assert [job.kind for job in store.memory.jobs] == ["check_hours"]
