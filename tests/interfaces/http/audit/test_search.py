"""The search for events over HTTP: its filters, its pages, and what owners find."""

from typing import Any

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, problem
from tests.support.builders import somebody
from tests.support.dump import found_in_database
from tests.support.instances import eventually

AUDITOR = somebody(Role.AUDITOR)


async def search(town: Town, query: str = "", by: Caller = AUDITOR) -> list[dict[str, Any]]:
    answer = await town.api.get(f"/v1/audit/events{query}", by)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def everything(town: Town, query: str = "?limit=7", by: Caller = AUDITOR) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"/v1/audit/events{query}"
    answer = await town.api.get(path, by)
    while answer.json()["next"] is not None:
        found += answer.json()["items"]
        answer = await town.api.get(f"{path}&cursor={answer.json()['next']}", by)
    return found + list(answer.json()["items"])


async def test_each_filter_finds_the_events_as_histories_tell_them(town: Town) -> None:
    api, asked = town.api, str(new_id())
    organization = await town.an_organization(town.provider_id)
    booked = await town.booked()
    path, said = f"/v1/appointments/{booked['id']}/cancel", {"reason": "ill"}
    assert (await api.post(path, said, town.owner, if_match="*", x_request_id=asked)).status_code == 200
    history = (await api.get(f"/v1/audit/streams/{booked['id']}/history", AUDITOR)).json()["items"]
    assert await search(town, f"?stream={booked['id']}") == history
    assert await search(town, f"?stream={booked['id']}&sort=newest") == history[::-1]
    assert await search(town, "?kind=Appointment") == history
    assert await search(town, "?type=Appointment.Cancelled") == history[1:]
    assert await search(town, f"?kind=Appointment&actor={town.owner.id}") == history[1:]
    assert await search(town, f"?kind=Appointment&person={town.customer.id}") == history
    assert await search(town, f"?kind=Appointment&organization={organization}") == history
    of_request = await search(town, f"?request={asked}")
    assert [each["type"] for each in of_request] == ["Appointment.Cancelled", "Day.Released"]
    assert await search(town, f"?kind=Appointment&from={history[1]['position']}") == history[1:]
    assert await search(town, f"?kind=Appointment&to={history[0]['position']}") == history[:1]
    assert await search(town, f"?kind=Appointment&from={history[1]['at']}") == history[1:]
    assert await search(town, f"?kind=Appointment&to={history[0]['at']}") == history[:1]
    assert await search(town, f"?person={new_id()}") == []


async def test_pages_in_both_orders_have_every_event_once(town: Town) -> None:
    await town.booked()
    positions = [f"0.{n}" for n in range(1, int((await search(town, "?sort=newest"))[0]["position"][2:]) + 1)]
    assert [each["position"] for each in await everything(town)] == positions
    assert [each["position"] for each in await everything(town, "?limit=7&sort=newest")] == positions[::-1]


async def test_owners_find_what_was_theirs_then(town: Town) -> None:
    api, bob = town.api, somebody(Role.PROVIDER)
    ours = await town.an_organization(town.provider_id)
    first = await town.booked("09:00")
    theirs = (await api.post("/v1/organizations", {"name": "Bob's"}, bob)).json()["id"]
    admin = await an_account(api, "root@example.org", Role.ADMIN)
    path = f"/v1/providers/{town.provider_id}"
    assert (await api.patch(path, {"organization_id": theirs}, admin, if_match="*")).status_code == 200
    second = await town.booked("10:00")
    own, later = await everything(town, "?limit=3", town.owner), await everything(town, "?limit=3", bob)
    assert {each["stream"] for each in own} >= {ours, first["id"], town.provider_id}
    assert {each["stream"] for each in later} >= {theirs, second["id"], town.provider_id}
    assert second["id"] not in {each["stream"] for each in own}
    assert first["id"] not in {each["stream"] for each in later}
    moved = [each["position"] for each in await search(town, f"?stream={town.provider_id}&sort=newest&limit=1")]
    for organization in (ours, theirs):
        concerning = await search(town, f"?stream={town.provider_id}&organization={organization}")
        assert moved[0] in {each["position"] for each in concerning}, "a move concerns both"
    assert moved[0] in {each["position"] for each in later}
    assert moved[0] not in {each["position"] for each in own}, "it belonged to the other one right after"
    assert await search(town, f"?organization={theirs}", bob)
    assert await search(town, f"?organization={ours}", bob) == [], "whose the provider was before is not told"
    for each in (*own, *later):
        who = bob if each in later else town.owner
        shown = await everything(town, f"?stream={each['stream']}&limit=200", who)
        history = await api.get(f"/v1/audit/streams/{each['stream']}/history?limit=200", who)
        assert shown == history.json()["items"], "the search and the history agree"


async def test_who_is_no_owner_any_more_finds_nothing_at_once(town: Town) -> None:
    bob = await an_account(town.api, "bob@example.org", Role.PROVIDER)
    organization = await town.an_organization(town.provider_id)
    members = f"/v1/organizations/{organization}/members"
    said = {"account_id": str(bob.id), "rank": "owner"}
    assert (await town.api.post(members, said, town.owner)).status_code == 201
    assert await search(town, "", bob)
    gone = await town.api.delete(f"{members}/{bob.id}", town.owner, if_match="*")
    assert gone.status_code == 204, gone.text
    answer = await town.api.ask("GET", "/v1/audit/events", bob)  # the index has not read of it
    assert answer.json()["items"] == []


@pytest.mark.parametrize(
    "query",
    ["stream=x", "kind=a.b", "type=Appointment", "from=yesterday", "sort=up", "person=1", "until=0.1", "request=%00"],
)
async def test_what_is_no_filter_is_refused(town: Town, query: str) -> None:
    assert problem(await town.api.get(f"/v1/audit/events?{query}", AUDITOR)) == (422, "invalid-fields")


async def test_filters_that_say_the_impossible_find_nothing(town: Town) -> None:
    await town.booked()
    for query in ("from=0.9&to=0.2", "from=2199-01-01T00:00:00Z", "to=1970-01-02T00:00:00Z", "from=0.0&to=0.0"):
        assert await search(town, f"?{query}") == [], query
    assert len(await search(town, "?from=1970-01-01T00:00:00Z&to=2199-12-31T23:59:59Z")) > 5


async def test_the_index_has_nothing_personal(town: Town, database: Any, followed: None) -> None:
    grace, admin = (
        await an_account(town.api, "grace@example.org"),
        await an_account(town.api, "r@example.org", Role.ADMIN),
    )
    await town.booked("09:00", grace, note="a towel of hers")
    assert await search(town, f"?person={grace.id}&kind=Appointment")
    said = {"at_once": True, "cancel_appointments": True}
    assert (await town.api.post(f"/v1/users/{grace.id}/forget", said, admin)).status_code == 202

    async def erased() -> bool:
        await town.api.people.work()
        return bool((await town.api.get(f"/v1/users/{grace.id}", admin)).json()["standing"] == "forgotten")

    await eventually(erased)
    found = await search(town, f"?person={grace.id}&limit=200")
    assert {"Appointment.Booked", "Account.Forgotten"} <= {each["type"] for each in found}
    assert {each["actor_name"] for each in found if each["actor"] == str(grace.id)} == {"forgotten"}
    told = str([each["data"] for each in found])
    assert "Grace" not in told
    assert "towel" not in told
    assert not [table for table, _ in found_in_database(database.owner, ["Grace", "towel"]) if "audit" in table]
