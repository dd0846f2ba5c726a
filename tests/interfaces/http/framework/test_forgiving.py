"""What is meant without doubt is understood; a refusal names what is nearest, or the setting behind it."""

import pytest
from starlette.routing import Route as PlainRoute

from application.booking.refusals import REFUSALS, refusal
from domain.kernel import new_id
from domain.scheduling.availability import Rule
from domain.scheduling.slot_terms import SlotTerms
from domain.scheduling.wallclock import nearest_zone
from interfaces.http.app import ROUTERS
from tests.interfaces.http.town import Api, Town, pointers, problem

READS = [
    path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, PlainRoute) and "GET" in (route.methods or ())
    for path in [route.path]
]
WRITES = sorted({route.path for router in ROUTERS for route in router.routes} - set(READS))


def _filled(town: Town, path: str) -> str:
    ids = {"provider_id": town.provider_id, "service_id": town.service_id, "name": "slot-taken"}
    for name, id in ids.items():
        path = path.replace(f"{{{name}}}", str(id))
    return "/".join(str(new_id()) if part.startswith("{") else part for part in path.split("/"))


class TestHead:
    @pytest.mark.parametrize("path", READS)
    async def test_is_answered_as_get_without_a_body(self, town: Town, path: str) -> None:
        where = _filled(town, path)
        got = await town.api.ask("GET", where, town.admin)
        head = await town.api.ask("HEAD", where, town.admin)
        assert (head.status_code, head.content) == (got.status_code, b"")
        varies = {"content-length", "retry-after"}  # of problems that name the method, and of readiness
        assert {*got.headers} - varies == {*head.headers} - varies

    @pytest.mark.parametrize("path", WRITES)
    async def test_is_refused_where_there_is_no_get(self, village: Town, path: str) -> None:
        answer = await village.api.ask("HEAD", _filled(village, path), village.admin)
        assert answer.status_code == 405
        assert "HEAD" not in answer.headers["allow"]

    async def test_is_allowed_where_get_is(self, door: Api) -> None:
        answer = await door.ask("DELETE", "/v1/appointments")
        assert answer.headers["allow"] == "GET, HEAD, POST"


class TestVersions:
    async def test_a_weakened_tag_counts_as_its_version(self, town: Town) -> None:
        path = f"/v1/providers/{town.provider_id}"
        version = (await town.api.get(path)).json()["version"]
        for tag, status in ((f'W/"{version + 76}"', 412), (f'W/"{version}"', 200), (f'W/"{version}"', 412)):
            answer = await town.api.patch(path, {"bio": "Since 1990."}, town.owner, if_match=tag)
            assert answer.status_code == status, answer.text

    @pytest.mark.parametrize("tag", ['w/"1"', "W/1", 'W/ "1"', 'W/"1", W/"2"'])
    async def test_what_is_no_tag_is_malformed(self, village: Town, tag: str) -> None:
        answer = await village.api.patch(f"/v1/providers/{village.provider_id}", {}, village.owner, if_match=tag)
        assert problem(answer) == (400, "malformed")


class TestPaths:
    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
    async def test_a_trailing_slash_leads_to_the_path(self, door: Api, method: str) -> None:
        answer = await door.ask(method, "/v1/providers/?q=a%20b&limit=1")
        assert (answer.status_code, answer.headers["location"]) == (308, "/v1/providers?q=a%20b&limit=1")

    @pytest.mark.parametrize("path", ["/", "//evil.example/", "/v1/providers/a/b/", "//v1/providers/"])
    async def test_only_a_route_is_led_to(self, door: Api, path: str) -> None:
        answer = await door.client.request("GET", f"http://daybook.test{path}")
        assert answer.status_code in {200, 404}
        assert "location" not in answer.headers

    async def test_a_path_that_is_unknown_names_the_nearest(self, door: Api) -> None:
        for path in ("/v1/apointments", "/v1/apointments/4711", "/v1/Appointments"):
            said = (await door.ask("GET", path)).json()["detail"]
            assert said == f"No route matches GET {path}. Did you mean /v1/appointments?"
        assert "Did you mean" not in (await door.ask("GET", "/v1/zzz")).json()["detail"]


class TestParameters:
    async def test_those_of_campaigns_are_ignored(self, town: Town) -> None:
        assert (await town.api.get("/v1/tags?utm_source=mail&utm_source=again&limit=1")).status_code == 200
        assert (await town.api.get(f"/v1/providers/{town.provider_id}?utm_campaign=x")).status_code == 200

    async def test_an_unknown_one_is_called_a_parameter_and_an_unknown_field_a_field(self, village: Town) -> None:
        by = village.admin
        asked = (await village.api.get("/v1/appointments?statuss=booked", by)).json()
        assert asked["errors"][0]["detail"] == "Unknown parameter `statuss`. Did you mean `status`?"
        assert (await village.api.get("/health/live?x=1")).json()["errors"][0]["detail"] == "Unknown parameter `x`."
        said = await village.api.post("/v1/tags", {"nam": "Haircut"}, by)
        assert "Unknown field `nam`. Did you mean `name`?" in said.text

    async def test_an_offset_needs_no_colon(self, town: Town) -> None:
        start = town.at("11:00").replace("Z", "+0200")
        booked = await town.api.post(
            "/v1/appointments", town.booking() | {"start": start}, town.customer, idempotency_key="k"
        )
        assert booked.status_code == 201, booked.text
        assert booked.json()["start"] == town.at("09:00")

    async def test_an_offset_whose_plus_was_read_as_a_space_says_so(self, town: Town) -> None:
        query = f"service_id={town.service_id}&from=2030-01-01T00:00:00+01:00&to=2030-01-02T00:00:00Z"
        answer = await town.api.get(f"/v1/availability?{query}")
        assert pointers(answer) == ["/from"]
        assert "%2B" in answer.json()["errors"][0]["detail"]


class TestBodies:
    async def test_a_byte_order_mark_is_no_part_of_json(self, village: Town) -> None:
        api, by = village.api, village.admin
        answer = await api.post("/v1/tags", b'\xef\xbb\xbf{"name": "Haircut", "slug": "haircut"}', by)
        assert answer.status_code == 201, answer.text

    @pytest.mark.parametrize(
        ("changes", "detail"),
        [
            ({"window": {"kind": "rolling", "dayz": 3}}, "Unknown field `dayz`. Did you mean `days`?"),
            ({"align": "openning"}, "Did you mean `opening`?"),
            ({"late_cancel": "Fee"}, "Did you mean `fee`?"),
            ({"curency": "EUR"}, "Did you mean `currency`?"),
        ],
    )
    async def test_what_is_misspelt_names_the_nearest(
        self, village: Town, changes: dict[str, object], detail: str
    ) -> None:
        said = {"name": "Cut", "provider_id": village.provider_id, "duration": 30, "currency": "EUR", **changes}
        answer = await village.api.post("/v1/services", said, village.owner)
        assert any(error["detail"].endswith(detail) for error in answer.json()["errors"]), answer.text

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("Moscow", "Europe/Moscow"),
            ("europe/berlin", "Europe/Berlin"),
            ("Europe/Pariss", "Europe/Paris"),
            ("New York", "America/New_York"),
            ("zzz", None),
        ],
    )
    def test_a_zone_names_the_nearest(self, name: str, nearest: str | None) -> None:
        assert nearest_zone(name) == nearest

    async def test_zones_types_and_scopes_name_the_nearest(self, town: Town) -> None:
        by = town.owner
        zone = await town.api.post("/v1/providers", {"name": "A", "timezone": "Moscow"}, by)
        assert "Did you mean `Europe/Moscow`?" in zone.text
        hook = {"url": "https://receiver.invalid/h", "types": ["appointment.boked"], "provider_id": town.provider_id}
        assert "Did you mean `appointment.booked`?" in (await town.api.post("/v1/webhooks", hook, by)).text
        key = await town.api.post("/v1/api-keys", {"name": "A", "scopes": ["book_apointment"]}, by)
        assert "Did you mean `book_appointment`?" in key.text


class TestRules:
    @pytest.mark.parametrize("rule", [rule for rule in REFUSALS if rule not in {Rule.PAST, Rule.TAKEN}])
    def test_a_refused_start_names_the_setting_behind_the_rule(self, rule: Rule) -> None:
        assert "`" in refusal(rule, SlotTerms(new_id(), 30, 15)).detail

    def test_the_past_has_no_setting(self) -> None:
        assert refusal(Rule.PAST, SlotTerms(new_id(), 30, 15)).detail == "The start is in the past."
