"""Searches of the directory over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from application.access import Role
from domain.kernel import new_id
from domain.log_position import position_of
from projections.availability.earliest_refresher import EarliestRefresher
from tests.interfaces.http.town import OFFICE_HOURS, Api, Town, pointers, problem, service
from tests.support.builders import somebody

PARIS = {"lat": 48.8566, "lon": 2.3522}
LOUVRE = {"lat": 48.8606, "lon": 2.3376}


@pytest.fixture
async def worked_out(database) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Works out who is free first."""
    pool = AsyncConnectionPool(database.application, min_size=1, open=False, kwargs={"autocommit": True})
    async with pool:
        yield EarliestRefresher(pool).catch_up


async def a_provider(api: Api, name: str, **more: object) -> str:
    said = {"name": name, "timezone": "UTC", **more}
    answer = await api.post("/v1/providers", said, somebody(Role.PROVIDER))
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


async def an_open_provider(town: Town, **terms: object) -> tuple[str, str]:
    """Another one of the owner's, with office hours, and a service."""
    id = (await town.api.post("/v1/providers", {"name": "Bea", "timezone": "UTC"}, town.owner)).json()["id"]
    hours = {"timezone": "UTC", "weekly": OFFICE_HOURS}
    await town.api.put(f"/v1/providers/{id}/schedule", hours, town.owner, if_match=1)
    made = await town.api.post("/v1/services", service(id, **terms), town.owner)
    return id, made.json()["id"]


class TestSearching:
    async def test_near_a_place_each_tells_its_distance_in_kilometres(self, api: Api):
        await a_provider(api, "Louvre", location=LOUVRE)
        await a_provider(api, "Nowhere")
        found = (await api.get("/v1/providers?near=48.8566,2.3522&sort=distance")).json()["items"]
        assert [(each["name"], each["distance"]) for each in found] == [("Louvre", 1.157)]
        assert "earliest" not in found[0]
        assert (await api.get("/v1/providers?near=48.8566,2.3522&within=1.1")).json()["items"] == []
        plain = (await api.get("/v1/providers?q=louvre")).json()["items"]
        assert "distance" not in plain[0]

    async def test_by_earliest_each_tells_its_first_free_start(self, town: Town, worked_out):
        window = {"kind": "fixed", "from": town.day()}
        later, longer = await an_open_provider(town, window=window, duration=60)
        sooner = await town.a_service(window=window)
        await town.api.delete(f"/v1/services/{town.service_id}", town.owner, if_match=1)
        await town.api.get("/v1/providers")
        await worked_out()

        async def found(path: str = "/v1/providers") -> list[dict[str, object]]:
            items = (await town.api.get(f"{path}?sort=earliest")).json()["items"]
            return [{"id": each["id"], **each["earliest"]} for each in items]

        hour = {"start": town.at("09:00"), "end": town.at("10:00"), "service_id": longer}
        half = {"start": town.at("09:00"), "end": town.at("09:30"), "service_id": sooner["id"]}
        assert await found() == [{"id": town.provider_id, **half}, {"id": later, **hour}]
        booked = await town.booked("09:00", service_id=sooner["id"])
        assert booked["start"] == town.at("09:00")
        await town.api.get("/v1/providers")
        await worked_out()
        half = {"start": town.at("09:30"), "end": town.at("10:00"), "service_id": sooner["id"]}
        assert await found() == [{"id": later, **hour}, {"id": town.provider_id, **half}]
        assert [each["provider_id"] for each in await found("/v1/services")] == [later, town.provider_id]

    async def test_what_is_not_worked_out_yet_is_not_presented_as_fresh(self, town: Town, worked_out, database):
        await town.api.get("/v1/providers")
        await worked_out()
        booked = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key=str(new_id()))
        position = booked.headers["daybook-position"]
        behind = await town.api.get("/v1/providers?sort=earliest", daybook_position=position)
        assert problem(behind)[0] == 503
        now = await town.api.get("/v1/providers?sort=earliest")
        assert position_of(now.headers["daybook-position"]) < position_of(position)
        # Even where this process has been told otherwise.
        with psycopg.connect(database.application, autocommit=True) as connection:
            connection.execute("SELECT pg_notify('read', %s)", [f"0 earliest={position_of(position)}"])
        await town.api.ports.reads.wait("earliest", position_of(position))
        behind = await town.api.get("/v1/providers?sort=earliest", daybook_position=position)
        assert problem(behind)[0] == 503
        await worked_out()
        told = await town.api.get("/v1/providers?sort=earliest", daybook_position=position)
        assert told.headers["daybook-position"] == position

    async def test_names_are_found_and_sorted_as_people_write_them(self, town: Town):
        for name in ("Zoë", "  Łukasz O\u2019Connor", "Lz", "Æsop", "ada"):
            await a_provider(town.api, name)

        async def found(query: str) -> list[str]:
            return [each["name"] for each in (await town.api.get(f"/v1/providers{query}")).json()["items"]]

        assert await found("?q=lukasz") == await found("?q=O'Connor") == ["Łukasz O\u2019Connor"]
        assert await found("?q=aesop") == ["Æsop"]
        assert await found("") == ["ada", "Ada", "Æsop", "Łukasz O\u2019Connor", "Lz", "Zoë"]
        first = (await town.api.get("/v1/providers?limit=4")).json()
        assert await found(f"?limit=4&cursor={first['next']}") == ["Lz", "Zoë"]
        for path, name in (("/v1/organizations", "Ærø"), ("/v1/tags", "Ærø")):
            for each, slug in ((" Zürich", "z"), (name, "aero")):
                said = {"name": each, **({"slug": slug} if path.endswith("tags") else {})}
                await town.api.post(path, said, town.admin)
            names = [each["name"] for each in (await town.api.get(path, town.admin)).json()["items"]]
            assert names == ["Ærø", "Zürich"], path
        listed = (await town.api.get("/v1/organizations?q=aero", town.admin)).json()["items"]
        assert [each["name"] for each in listed] == ["Ærø"]

    async def test_services_go_by_price(self, town: Town):
        for price in (500, 100):
            await town.a_service(price=price)
        found = (await town.api.get("/v1/services?sort=price")).json()["items"]
        assert [each["price"] for each in found] == [0, 100, 500]

    async def test_a_cursor_is_for_its_own_place_and_order(self, api: Api):
        for name in ("A", "B"):
            await a_provider(api, name, location=PARIS)
        near = "near=48.8566,2.3522"
        cursor = (await api.get(f"/v1/providers?{near}&sort=distance&limit=1")).json()["next"]
        following = await api.get(f"/v1/providers?{near}&sort=distance&limit=1&cursor={cursor}")
        assert (following.status_code, len(following.json()["items"])) == (200, 1)
        for other in (near, "near=48.8566,2.3523&sort=distance", f"{near}&sort=distance&within=9", "tag=x"):
            assert problem(await api.get(f"/v1/providers?{other}&cursor={cursor}")) == (400, "bad-cursor")

    @pytest.mark.parametrize("path", ["/v1/providers", "/v1/services"])
    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ("within=5", ["/within"]),
            ("sort=distance", ["/sort"]),
            ("within=5&sort=distance", ["/within", "/sort"]),
            ("near=48.8", ["/near"]),
            ("near=91,0", ["/near"]),
            ("near=0,181", ["/near"]),
            ("near=nan,inf", ["/near"]),
            ("near=1e1,2", ["/near"]),
            ("near=x&within=5&sort=distance", ["/near"]),
            ("near=1,2&within=0", ["/within"]),
            ("near=1,2&within=500.1", ["/within"]),
            ("near=1,2&within=nan", ["/within"]),
            ("near=1,2&within=inf", ["/within"]),
            ("sort=rating", ["/sort"]),
            ("sort=", ["/sort"]),
            ("q=a+b+c+d+e+f+g+h+i+j+k", ["/q"]),
            ("color=red", ["/color"]),
        ],
    )
    async def test_what_contradicts_or_is_not_known_is_refused(
        self, door: Api, path: str, query: str, wrong: list[str]
    ):
        assert pointers(await door.get(f"{path}?{query}")) == wrong

    async def test_only_services_have_a_price(self, door: Api):
        assert pointers(await door.get("/v1/providers?sort=price")) == ["/sort"]

    @pytest.mark.parametrize("query", ["near=90,180&within=500", "near=-90,-180", "near=-0.0,0", "near=0,-180"])
    async def test_every_place_on_earth_can_be_asked_for(self, api: Api, query: str):
        assert (await api.get(f"/v1/providers?{query}&sort=distance")).status_code == 200
