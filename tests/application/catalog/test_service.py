"""Offering, changing and withdrawing services."""

from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.catalog.provider import DeleteProvider, delete_provider
from application.catalog.service import (
    ChangeService,
    CreateService,
    DeleteService,
    change_service,
    create_service,
    delete_service,
)
from domain.catalog.provider import ProviderInactive
from domain.catalog.service import ServiceWithdrawn
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_provider, a_service, an_open_week, somebody, terms

STRANGERS = [
    (ANONYMOUS, Unauthenticated),
    (somebody(Role.CUSTOMER), Forbidden),
    (somebody(Role.AUDITOR), Forbidden),
    (somebody(Role.ANALYST), Forbidden),
]


def create(by: Caller, *provider_ids: Any, **changes: Any) -> CreateService:
    return CreateService(by=by, id=new_id(), terms=terms(*provider_ids, **changes))


async def test_a_service_coins_its_tags(store: Clocked, week: OpenWeek) -> None:
    before = store.position
    await create_service(create(week.owner, week.provider_id, tags=["hair", "new"]), store)
    assert sorted(store.recorded(before)) == ["Service.Offered", "Tag.Coined", "Tag.Coined"]
    before = store.position
    await create_service(create(week.owner, week.provider_id, tags=["hair"]), store)
    assert store.recorded(before) == ["Service.Offered"]


async def test_it_is_offered_by_providers_of_the_caller_s_only(store: Clocked, week: OpenWeek) -> None:
    theirs = await a_provider(store)
    for provider_ids in ([theirs], [week.provider_id, theirs], [new_id()]):
        with pytest.raises(Invalid) as refused:
            await create_service(create(week.owner, *provider_ids), store)
        assert refused.value.pointer == "/provider_id"
    await create_service(create(somebody(Role.ADMIN), week.provider_id, theirs), store)


async def test_a_provider_who_has_ended_offers_nothing_new(store: Clocked, week: OpenWeek) -> None:
    await delete_provider(DeleteProvider(by=week.owner, provider_id=week.provider_id), store)
    with pytest.raises(ProviderInactive):
        await create_service(create(week.owner, week.provider_id), store)


async def test_its_hours_do_not_overlap(store: Clocked, week: OpenWeek) -> None:
    with pytest.raises(Invalid) as refused:
        await create_service(create(week.owner, week.provider_id, hours={"0": [[60, 120], [90, 150]]}), store)
    assert refused.value.pointer == "/hours"


@pytest.mark.parametrize(("by", "refusal"), [*STRANGERS, (somebody(Role.PROVIDER), NotFound)])
async def test_nobody_else_changes_or_withdraws_it(
    store: Clocked, week: OpenWeek, by: Caller, refusal: type[Exception]
) -> None:
    before = store.position
    with pytest.raises(refusal):
        await change_service(ChangeService(by=by, service_id=week.service_id, terms={"price": 1}), store)
    with pytest.raises(refusal):
        await delete_service(DeleteService(by=by, service_id=week.service_id), store)
    assert store.position == before


@pytest.mark.parametrize(("by", "refusal"), STRANGERS)
async def test_customers_and_watchers_offer_nothing(
    store: Clocked, week: OpenWeek, by: Caller, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await create_service(create(by, week.provider_id), store)


async def test_one_of_several_owners_does_not_decide_for_the_others(store: Clocked, week: OpenWeek) -> None:
    theirs = await a_provider(store)
    shared = await a_service(store, somebody(Role.ADMIN), week.provider_id, theirs)
    with pytest.raises(NotFound):
        await delete_service(DeleteService(by=week.owner, service_id=shared), store)


async def test_a_service_is_not_given_to_a_stranger_s_provider(store: Clocked, week: OpenWeek) -> None:
    change = {"provider_ids": [str(week.provider_id), str(await a_provider(store))]}
    with pytest.raises(Invalid):
        await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms=change), store)


async def test_some_terms_are_changed_and_the_others_stay(store: Clocked, week: OpenWeek) -> None:
    done = await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms={"price": 1}), store)
    assert (done.aggregate.terms["price"], done.aggregate.terms["duration"]) == (1, 30)
    with pytest.raises(Stale):
        await change_service(
            ChangeService(by=week.owner, service_id=week.service_id, terms={"price": 2}, version=1), store
        )


async def test_withdrawn_once_it_stays_so(store: Clocked, week: OpenWeek) -> None:
    withdraw = DeleteService(by=week.owner, service_id=week.service_id)
    await delete_service(withdraw, store)
    before = store.position
    await delete_service(withdraw, store)
    assert store.position == before
    with pytest.raises(ServiceWithdrawn):
        await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms={"price": 1}), store)


async def test_a_shared_service_can_be_changed_after_one_of_its_providers_has_left(store: Clocked) -> None:
    week = await an_open_week(store)
    leaving = await a_provider(store, week.owner)
    service_id = await a_service(store, week.owner, week.provider_id, leaving)
    await delete_provider(DeleteProvider(by=week.owner, provider_id=leaving), store)
    done = await change_service(ChangeService(by=week.owner, service_id=service_id, terms={"price": 500}), store)
    assert done.aggregate.terms["price"] == 500
