"""Founding, changing and closing organizations, their members and holidays: who may."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.catalog.organization import (
    AddMember,
    ChangeMember,
    ChangeOrganization,
    CreateOrganization,
    DeleteOrganization,
    RemoveMember,
    add_member,
    change_member,
    change_organization,
    create_organization,
    delete_organization,
    remove_member,
)
from application.scheduling.holiday import DeleteHoliday, ReplaceHoliday, delete_holiday, replace_holiday
from domain.catalog.organization import LastOwner, Organization, Rank, RankTooLow
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import an_organization, somebody

ADMIN = somebody(Role.ADMIN)
PROFILE = {"name": "Ada's", "timezone": None, "bio": None, "address": None}
DAY = date(2026, 12, 25)
Act = Callable[[Caller, "Salon", Clocked], Awaitable[Any]]


class Salon(NamedTuple):
    """An organization with one member of each rank."""

    id: UUID
    owner: Caller
    manager: Caller
    staff: Caller

    def by(self, rank: Rank) -> Caller:
        return {Rank.OWNER: self.owner, Rank.MANAGER: self.manager, Rank.STAFF: self.staff}[rank]


@pytest.fixture
async def salon(store: Clocked) -> Salon:
    owner, manager, staff = (somebody(Role.PROVIDER) for _ in range(3))
    return Salon(await an_organization(store, owner, manager=manager, staff=staff), owner, manager, staff)


async def change(by: Caller, it: Salon, store: Clocked) -> Any:
    return await change_organization(
        ChangeOrganization(by=by, organization_id=it.id, profile={"bio": str(new_id())}), store
    )


async def close(by: Caller, it: Salon, store: Clocked) -> Any:
    return await delete_organization(DeleteOrganization(by=by, organization_id=it.id), store)


async def set_holiday(by: Caller, it: Salon, store: Clocked) -> Any:
    command = ReplaceHoliday(by=by, organization_id=it.id, date=DAY, name=str(new_id()))
    return await replace_holiday(command, store)


async def lift_holiday(by: Caller, it: Salon, store: Clocked) -> Any:
    await set_holiday(ADMIN, it, store)
    return await delete_holiday(DeleteHoliday(by=by, organization_id=it.id, date=DAY), store)


def add(rank: Rank) -> Act:
    async def act(by: Caller, it: Salon, store: Clocked) -> Any:
        return await add_member(AddMember(by=by, organization_id=it.id, account_id=new_id(), rank=rank), store)

    return act


def rank(whom: Rank, to: Rank) -> Act:
    async def act(by: Caller, it: Salon, store: Clocked) -> Any:
        command = ChangeMember(by=by, organization_id=it.id, account_id=it.by(whom).account, rank=to)
        return await change_member(command, store)

    return act


def remove(whom: Rank) -> Act:
    async def act(by: Caller, it: Salon, store: Clocked) -> Any:
        command = RemoveMember(by=by, organization_id=it.id, account_id=it.by(whom).account)
        return await remove_member(command, store)

    return act


ACTS = {
    "change": change,
    "close": close,
    "set a holiday": set_holiday,
    "lift a holiday": lift_holiday,
    "add staff": add(Rank.STAFF),
    "rank staff": rank(Rank.STAFF, Rank.MANAGER),
    "remove staff": remove(Rank.STAFF),
}


async def test_who_founds_an_organization_owns_it(store: Clocked) -> None:
    by = somebody(Role.PROVIDER)
    done = await create_organization(CreateOrganization(by=by, id=new_id(), profile=PROFILE), store)
    assert store.recorded() == ["Organization.Founded"]
    assert done.aggregate.members == {by.id: Rank.OWNER}


async def test_only_an_admin_names_another_owner(store: Clocked) -> None:
    for_ada: dict[str, Any] = {"id": new_id(), "profile": PROFILE, "owner_id": new_id()}
    with pytest.raises(Invalid) as refused:
        await create_organization(CreateOrganization(by=somebody(Role.PROVIDER), **for_ada), store)
    assert refused.value.pointer == "/owner_id"
    done = await create_organization(CreateOrganization(by=ADMIN, **for_ada), store)
    assert done.aggregate.members == {for_ada["owner_id"]: Rank.OWNER}


async def test_a_zone_must_exist(store: Clocked, salon: Salon) -> None:
    nowhere = {**PROFILE, "timezone": "Mars/Base"}
    with pytest.raises(Invalid):
        await create_organization(CreateOrganization(by=salon.owner, id=new_id(), profile=nowhere), store)
    with pytest.raises(Invalid):
        await change_organization(ChangeOrganization(by=salon.owner, organization_id=salon.id, profile=nowhere), store)


@pytest.mark.parametrize("what", sorted(ACTS))
@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (somebody(Role.AUDITOR), Forbidden),
        (somebody(Role.ANALYST), Forbidden),
        (somebody(Role.PROVIDER), NotFound),
    ],
)
async def test_strangers_change_nothing_and_learn_nothing(
    store: Clocked, salon: Salon, what: str, by: Caller, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await ACTS[what](by, salon, store)


async def test_whoever_does_not_belong_to_it_does_not_know_who_does(store: Clocked, salon: Salon) -> None:
    for by in (somebody(Role.PROVIDER), somebody(Role.CUSTOMER)):
        with pytest.raises(NotFound) as refused:
            await remove(Rank.STAFF)(by, salon, store)
        assert refused.value.detail == f"There is no organization {salon.id}, or you do not have access."


@pytest.mark.parametrize("what", sorted(ACTS))
async def test_owners_and_admins_do_everything(store: Clocked, salon: Salon, what: str) -> None:
    for by in (salon.owner, ADMIN) if "staff" not in what else (salon.owner,):
        before = store.position
        await ACTS[what](by, salon, store)
        assert what == "close" or store.position > before


@pytest.mark.parametrize("what", sorted(ACTS))
async def test_managers_keep_profile_holidays_and_staff(store: Clocked, salon: Salon, what: str) -> None:
    if what in {"close", "rank staff"}:
        with pytest.raises(RankTooLow):
            await ACTS[what](salon.manager, salon, store)
    else:
        await ACTS[what](salon.manager, salon, store)


@pytest.mark.parametrize("what", sorted(set(ACTS) - {"remove staff"}))
async def test_staff_change_nothing_of_the_organization(store: Clocked, salon: Salon, what: str) -> None:
    with pytest.raises(RankTooLow):
        await ACTS[what](salon.staff, salon, store)


@pytest.mark.parametrize("to", [Rank.OWNER, Rank.MANAGER])
@pytest.mark.parametrize("own", [Rank.MANAGER, Rank.STAFF])
async def test_nobody_raises_themselves_or_puts_a_friend_above(
    store: Clocked, salon: Salon, own: Rank, to: Rank
) -> None:
    before = store.position
    for act in (rank(own, to), add(to)):
        with pytest.raises(RankTooLow):
            await act(salon.by(own), salon, store)
    assert store.position == before


async def test_the_last_owner_stays_until_there_is_another(store: Clocked, salon: Salon) -> None:
    for act in (remove(Rank.OWNER), rank(Rank.OWNER, Rank.STAFF)):
        for by in (salon.owner, ADMIN):
            with pytest.raises(LastOwner):
                await act(by, salon, store)
    await rank(Rank.MANAGER, Rank.OWNER)(salon.owner, salon, store)
    done = await remove(Rank.OWNER)(salon.owner, salon, store)
    assert done.aggregate.members == {salon.manager.id: Rank.OWNER, salon.staff.id: Rank.STAFF}


async def test_anybody_may_leave_whatever_their_platform_role(store: Clocked, salon: Salon) -> None:
    patron = somebody(Role.CUSTOMER)
    adding = AddMember(by=salon.owner, organization_id=salon.id, account_id=patron.account)
    await add_member(adding, store)
    for by in (salon.staff, salon.manager, patron):
        leaving = RemoveMember(by=by, organization_id=salon.id, account_id=by.account)
        done = await remove_member(leaving, store)
        assert by.id not in done.aggregate.members
        with pytest.raises(NotFound):
            await remove_member(leaving, store)


async def test_a_rank_counts_for_staff_of_the_platform_alone(store: Clocked, salon: Salon) -> None:
    demoted = Caller(salon.owner.id, Role.CUSTOMER)
    with pytest.raises(RankTooLow):
        await remove(Rank.STAFF)(demoted, salon, store)
    with pytest.raises(Forbidden):
        await change(demoted, salon, store)


async def test_a_change_builds_on_the_version_that_was_seen(store: Clocked, salon: Salon) -> None:
    seen: dict[str, Any] = {"by": salon.owner, "organization_id": salon.id, "version": 3}
    await replace_holiday(ReplaceHoliday(**seen, date=DAY, name="Christmas"), store)
    for stale in (
        add_member(AddMember(**seen, account_id=new_id()), store),
        delete_organization(DeleteOrganization(**seen), store),
        replace_holiday(ReplaceHoliday(**seen, date=DAY, name="Xmas"), store),
    ):
        with pytest.raises(Stale):
            await stale


async def test_an_organization_s_stream_tells_all_of_it_again(store: Clocked, salon: Salon) -> None:
    await set_holiday(salon.owner, salon, store)
    await change(salon.manager, salon, store)
    await remove(Rank.STAFF)(salon.staff, salon, store)
    known, _ = await store.fetch([salon.id])
    store.cache.clear()
    again, _ = await store.fetch([salon.id])
    first, second = known[salon.id], again[salon.id]
    assert isinstance(first, Organization)
    assert isinstance(second, Organization)
    assert first is not second
    assert (first.profile, first.members, first.holidays) == (second.profile, second.members, second.holidays)
    assert all(isinstance(each, Rank) for each in second.members.values())
