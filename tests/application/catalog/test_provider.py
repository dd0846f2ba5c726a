"""Creating, changing and ending providers."""

from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.catalog.provider import (
    ChangeProvider,
    CreateProvider,
    DeleteProvider,
    change_provider,
    create_provider,
    delete_provider,
)
from domain.catalog.provider import ProviderInactive
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, profile, somebody

ME, ADMIN = somebody(Role.PROVIDER), somebody(Role.ADMIN)


async def test_a_provider_begins_with_an_empty_schedule(store: Clocked) -> None:
    done = await create_provider(CreateProvider(by=ME, id=new_id(), profile=profile(tags=["hair"])), store)
    assert sorted(store.recorded()) == ["Provider.Joined", "Schedule.Opened", "Tag.Coined"]
    assert done.aggregate.owner_id == ME.id


async def test_only_an_admin_names_another_owner(store: Clocked) -> None:
    for_ada: dict[str, Any] = {"id": new_id(), "profile": profile(), "owner_id": new_id()}
    with pytest.raises(Invalid):
        await create_provider(CreateProvider(by=ME, **for_ada), store)
    done = await create_provider(CreateProvider(by=ADMIN, **for_ada), store)
    assert done.aggregate.owner_id == for_ada["owner_id"]


async def test_a_zone_must_exist(store: Clocked, week: OpenWeek) -> None:
    nowhere = {"timezone": "Mars/Base"}
    with pytest.raises(Invalid):
        await create_provider(CreateProvider(by=ME, id=new_id(), profile=profile(**nowhere)), store)
    with pytest.raises(Invalid):
        await change_provider(ChangeProvider(by=week.owner, provider_id=week.provider_id, profile=nowhere), store)


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (somebody(Role.CUSTOMER), Forbidden),
        (somebody(Role.AUDITOR), Forbidden),
        (somebody(Role.ANALYST), Forbidden),
        (ME, NotFound),
    ],
)
async def test_nobody_but_the_owner_and_admins_change_or_end_one(
    store: Clocked, week: OpenWeek, by: Caller, refusal: type[Exception]
) -> None:
    change = ChangeProvider(by=by, provider_id=week.provider_id, profile={"bio": "mine"})
    with pytest.raises(refusal):
        await change_provider(change, store)
    with pytest.raises(refusal):
        await delete_provider(DeleteProvider(by=by, provider_id=week.provider_id), store)
    if by is not ME:
        with pytest.raises(refusal):
            await create_provider(CreateProvider(by=by, id=new_id(), profile=profile()), store)


@pytest.mark.parametrize("admin", [True, False])
async def test_the_owner_and_admins_do(store: Clocked, week: OpenWeek, admin: bool) -> None:
    by = ADMIN if admin else week.owner
    change = ChangeProvider(by=by, provider_id=week.provider_id, profile={"bio": "cuts"}, version=1)
    assert (await change_provider(change, store)).aggregate.details["bio"] == "cuts"
    with pytest.raises(Stale):
        await change_provider(change, store)
    end = DeleteProvider(by=by, provider_id=week.provider_id)
    assert not (await delete_provider(end, store)).aggregate.active
    before = store.position
    await delete_provider(end, store)
    assert store.position == before
    with pytest.raises(ProviderInactive):
        await change_provider(ChangeProvider(by=by, provider_id=week.provider_id, profile={"bio": "more"}), store)
