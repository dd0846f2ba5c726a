"""The history of any aggregate: who did what, by what means, and why."""

import json
from typing import Any

import httpx
import psycopg

from application.access import Caller, Role
from domain.kernel import new_id
from domain.people.account import Account
from tests.conftest import Database
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, problem
from tests.support.builders import somebody
from tests.support.instances import eventually

AUDITOR = somebody(Role.AUDITOR)


async def history(town: Town, stream: Any, by: Caller = AUDITOR, query: str = "") -> list[dict[str, Any]]:
    answer = await town.api.ask("GET", f"/v1/audit/streams/{stream}/history{query}", by)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def rewrite(database: Database, metadata: dict[str, str], stream: str) -> None:
    """Metadata as an earlier release wrote it."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "UPDATE log.stored_events SET metadata = %s WHERE originator_id = %s",
            [json.dumps(metadata), stream],
        )


async def test_it_says_who_did_what_by_what_means_and_why(town: Town) -> None:
    api = town.api
    grace, bob = await an_account(api, "grace@example.org"), await an_account(api, "bob@example.org", Role.PROVIDER)
    await town.an_organization(town.provider_id, manager=bob)
    booked = await town.booked("09:00", grace)
    path, body = f"/v1/appointments/{booked['id']}/cancel", {"reason": "ill"}
    asked = {"if_match": "*", "x_request_id": str(new_id())}
    assert (await api.post(path, body, bob, **asked)).status_code == 200
    first, last = await history(town, booked["id"])
    assert (first["type"], first["actor"], first["role"], first["rank"]) == (
        "Appointment.Booked",
        str(grace.id),
        "customer",
        None,
    )
    assert (first["reason"], first["cause"], first["actor_name"]) == (None, None, "Grace Hopper")
    told = ("type", "version", "actor", "role", "rank", "reason", "channel", "request")
    assert {name: last[name] for name in told} == {
        "type": "Appointment.Cancelled",
        "version": 2,
        "actor": str(bob.id),
        "role": "provider",
        "rank": "manager",
        "reason": "ill",
        "channel": "api",
        "request": asked["x_request_id"],
    }
    assert last["via"] == "token"
    assert {name[:10] for name in (last["at"], last["occurred_at"])} == {f"{api.ports.store.now():%Y-%m-%d}"}
    assert last["data"]["party"] == "staff"


async def test_the_actor_s_name_is_that_of_then_until_they_are_erased(town: Town, followed: None) -> None:
    api = town.api
    grace, admin = await an_account(api, "grace@example.org"), await an_account(api, "root@example.org", Role.ADMIN)
    booked = await town.booked("09:00", grace)
    renamed = await api.patch("/v1/me", {"name": "Grace Murray"}, grace, if_match="*")
    assert renamed.status_code == 200, renamed.text
    note = await api.patch(f"/v1/appointments/{booked['id']}", {"note": "a towel"}, grace, if_match="*")
    assert note.status_code == 200, note.text
    assert [each["actor_name"] for each in await history(town, booked["id"])] == ["Grace Hopper", "Grace Murray"]
    said = {"at_once": True, "cancel_appointments": True}
    asked = await api.post(f"/v1/users/{grace.id}/forget", said, admin)
    assert asked.status_code == 202, asked.text

    async def erased() -> bool:
        await api.people.work()
        return bool((await api.get(f"/v1/users/{grace.id}", admin)).json()["standing"] == "forgotten")

    await eventually(erased)
    own = [each for each in await history(town, Account.id_of(grace.account)) if each["actor"] == str(grace.id)]
    assert [each["actor_name"] for each in own] == ["forgotten"]
    first, second, third = await history(town, booked["id"])
    assert (first["actor_name"], second["actor_name"], third["type"]) == (
        "forgotten",
        "forgotten",
        "Appointment.Cancelled",
    )
    assert second["data"]["told"] == "forgotten"
    assert third["cause"].startswith("job:")
    assert third["via"] == "worker"


async def test_what_an_earlier_release_did_not_record_is_unknown(town: Town, database: Database) -> None:
    booked = await town.booked()
    old = {"actor": str(town.customer.id), "role": "customer", "correlation": "c-1"}
    rewrite(database, old, booked["id"])
    (found,) = await history(town, booked["id"])
    assert [found[name] for name in ("role", "request", "rank", "via", "channel")] == [
        "customer",
        "c-1",
        "unknown",
        "unknown",
        "unknown",
    ]


async def test_it_comes_in_pages(town: Town) -> None:
    booked = await town.booked()
    for n in range(4):
        path = f"/v1/appointments/{booked['id']}"
        await town.api.patch(path, {"note": f"{n}"}, town.customer, if_match="*")
    versions: list[int] = []
    path = f"/v1/audit/streams/{booked['id']}/history?limit=2"
    answer: httpx.Response = await town.api.ask("GET", path, AUDITOR)
    while True:
        versions += [each["version"] for each in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        answer = await town.api.ask("GET", f"{path}&cursor={answer.json()['next']}", AUDITOR)
    assert versions == [1, 2, 3, 4, 5]


async def test_owners_see_the_events_of_their_own_time(town: Town) -> None:
    api, bob = town.api, somebody(Role.PROVIDER)
    ours = await town.an_organization(town.provider_id)
    theirs = (await api.post("/v1/organizations", {"name": "Bob's"}, bob)).json()["id"]
    admin = await an_account(api, "root@example.org", Role.ADMIN)
    path = f"/v1/providers/{town.provider_id}"
    for change in ({"bio": "here"}, {"organization_id": theirs}, {"bio": "there"}):
        assert (await api.patch(path, change, admin, if_match="*")).status_code == 200
    all_of_it = [each["version"] for each in await history(town, town.provider_id)]
    own = [each["version"] for each in await history(town, town.provider_id, town.owner)]
    later = [each["version"] for each in await history(town, town.provider_id, bob)]
    assert all_of_it == [1, *own, *later], "at first it belonged to no organization"
    assert later == [4, 5]
    paged = await history(town, town.provider_id, bob, "?limit=1")
    assert [each["version"] for each in paged] == [4]
    assert problem(await api.ask("GET", f"/v1/audit/streams/{ours}/history", bob)) == (404, "not-found")
    assert problem(await api.ask("GET", f"/v1/audit/streams/{new_id()}/history", AUDITOR)) == (404, "not-found")


async def test_the_admin_who_erases_a_guest_is_named(town: Town, followed: None) -> None:
    api = town.api
    admin = await an_account(api, "root@example.org", Role.ADMIN)
    guest = (await api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()["id"]
    assert (await api.post(f"/v1/customers/{guest}/forget", {}, admin)).status_code == 204
    last = (await history(town, guest))[-1]
    assert (last["type"], last["actor"], last["via"]) == ("Customer.Forgotten", str(admin.id), "token")
