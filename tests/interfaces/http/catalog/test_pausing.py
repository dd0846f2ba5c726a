"""Paused and ended services and providers: no new bookings, listed nowhere, shown to those whom they concern."""

from collections.abc import Mapping
from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.town import Town, problem
from tests.support.builders import somebody

WHAT = ["services", "providers"]


def path_of(town: Town, what: str) -> str:
    return f"/v1/{what}/{town.service_id if what == 'services' else town.provider_id}"


async def paused(town: Town, what: str) -> Mapping[str, Any]:
    answer = await town.api.post(f"{path_of(town, what)}/pause", {}, town.owner, if_match="*")
    assert answer.status_code == 200, answer.text
    told: Mapping[str, Any] = answer.json()
    return told


async def listed(town: Town, what: str) -> int:
    return len((await town.api.get(f"/v1/{what}")).json()["items"])


async def free(town: Town) -> int:
    day = f"/v1/availability?service_id={town.service_id}&from={town.day()}&to={town.day()}&tz=UTC"
    return len((await town.api.get(day)).json()["starts"])


@pytest.mark.parametrize("what", WHAT)
async def test_what_is_paused_takes_no_bookings_until_it_is_resumed(town: Town, what: str) -> None:
    booked = await town.booked("10:00")
    before = await free(town)
    told = await paused(town, what)
    assert told["status"] == "paused"
    assert (await paused(town, what))["version"] == told["version"], "already so is no error"
    refused = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key=str(new_id()))
    assert problem(refused) == (409, f"{what.removesuffix('s')}-paused")
    assert (await free(town), await listed(town, what)) == (0, 0)
    kept = (await town.api.get(f"/v1/appointments/{booked['id']}", town.customer)).json()
    assert kept["status"] == "booked", "what is booked stays"
    resumed = await town.api.post(f"{path_of(town, what)}/resume", {}, town.owner, if_match=told["version"])
    assert resumed.json()["status"] == "active"
    assert (await free(town), await listed(town, what)) == (before, 1)
    await town.booked()


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("ends", [False, True])
async def test_it_is_shown_to_those_whom_it_concerns(town: Town, what: str, ends: bool) -> None:
    staff = somebody(Role.PROVIDER)
    await town.an_organization(town.provider_id, staff=staff)
    await town.booked()
    path = path_of(town, what)
    if ends:
        gone = await town.api.delete(f"{path}?appointments=keep", town.owner, if_match="*")
        assert gone.status_code == 200
    else:
        await paused(town, what)

    async def seen(by: Caller) -> Any:
        answer = await town.api.get(path, by)
        return answer.json()["status"] if answer.status_code == 200 else problem(answer)

    for by in (town.owner, staff, town.customer, town.admin, somebody(Role.AUDITOR)):
        assert await seen(by) == ("ended" if ends else "paused")
    for by in (ANONYMOUS, somebody(), town.stranger, somebody(Role.ANALYST)):
        assert await seen(by) == (404, "not-found")


@pytest.mark.parametrize("what", WHAT)
async def test_what_has_ended_is_not_resumed(town: Town, what: str) -> None:
    path = path_of(town, what)
    await town.api.delete(path, town.owner, if_match="*")
    for verb in ("pause", "resume"):
        answer = await town.api.post(f"{path}/{verb}", {}, town.owner, if_match="*")
        assert problem(answer)[0] == 409


@pytest.mark.parametrize("what", WHAT)
async def test_what_is_paused_is_changed_all_the_same(town: Town, what: str) -> None:
    await paused(town, what)
    answer = await town.api.patch(path_of(town, what), {"name": "Renamed"}, town.owner, if_match="*")
    assert (answer.status_code, answer.json()["status"]) == (200, "paused")
