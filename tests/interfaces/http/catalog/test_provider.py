"""Providers over HTTP."""

import pytest

from application.access import ANONYMOUS, Role
from domain.kernel import new_id
from domain.log_position import position_of
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

PROFILE = {
    "name": "Grace",
    "timezone": "Europe/Paris",
    "organization_id": None,
    "bio": "Since 1998.",
    "address": "1 Rue de Rivoli",
    "location": {"lat": 48.8556, "lon": 2.3614},
    "tags": ["hair", "beard"],
    "phone": "+33 1 23 45 67 89",
    "email": "grace@example.org",
    "photo_url": "https://example.org/grace.jpg",
    "external_id": "crm-4711",
    "metadata": {"branch": "north"},
}


class TestCreateProvider:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, door: Api):
        for said in (PROFILE, {}, b"{", b"\xff" * 10):
            answer = await door.post("/v1/providers", said)
            assert problem(answer) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"] == 'Bearer realm="daybook"'

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.AUDITOR, Role.ANALYST])
    async def test_only_staff_make_providers(self, door: Api, role: Role):
        assert problem(await door.post("/v1/providers", PROFILE, somebody(role))) == (403, "forbidden")

    async def test_answers_the_whole_provider_and_where_it_is(self, api: Api):
        owner = somebody(Role.PROVIDER)
        answer = await api.post("/v1/providers", PROFILE, owner)
        told = answer.json()
        assert answer.status_code == 201
        made = {"owner_id": str(owner.id), "active": True, "status": "active"}
        assert told == {"id": told["id"], "version": 1, **PROFILE, **made}
        assert answer.headers["location"] == f"/v1/providers/{told['id']}"
        assert answer.headers["etag"] == '"1"'
        assert position_of(answer.headers["daybook-position"]) > 0

    async def test_what_is_not_said_has_defaults(self, door: Api):
        told = (await door.post("/v1/providers", {"name": "A", "timezone": "UTC"}, somebody(Role.PROVIDER))).json()
        optional = {name: told[name] for name in PROFILE if name not in {"name", "timezone"}}
        assert optional == {**dict.fromkeys(optional), "tags": [], "metadata": {}}

    async def test_makes_an_empty_schedule_in_its_zone(self, api: Api):
        owner = somebody(Role.PROVIDER)
        id = (await api.post("/v1/providers", PROFILE, owner)).json()["id"]
        schedule = await api.get(f"/v1/providers/{id}/schedule", owner)
        assert schedule.headers["etag"] == '"1"'
        assert (schedule.json()["timezone"], schedule.json()["weekly"]) == ("Europe/Paris", [])

    async def test_an_admin_may_name_another_owner_nobody_else_may(self, door: Api):
        other = str(new_id())
        by_admin = await door.post("/v1/providers", {**PROFILE, "owner_id": other}, somebody(Role.ADMIN))
        assert by_admin.json()["owner_id"] == other
        by_staff = await door.post("/v1/providers", {**PROFILE, "owner_id": other}, somebody(Role.PROVIDER))
        assert pointers(by_staff) == ["/owner_id"]

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"name": "  "}, "/name"),
            ({"name": "a\0b"}, "/name"),
            ({"name": "x" * 201}, "/name"),
            ({"name": None}, "/name"),
            ({"timezone": "Europe/Atlantis"}, "/timezone"),
            ({"timezone": "../../etc/passwd"}, "/timezone"),
            ({"timezone": "localtime"}, "/timezone"),
            ({"location": {"lat": 91, "lon": 0}}, "/location/lat"),
            ({"location": {"lat": "1", "lon": 0}}, "/location/lat"),
            ({"location": {"lat": 1}}, "/location/lon"),
            ({"tags": ["Not A Slug"]}, "/tags/0"),
            ({"tags": [f"tag-{n}" for n in range(51)]}, "/tags"),
            ({"organization_id": "me"}, "/organization_id"),
            ({"surname": "Hopper"}, "/surname"),
            ({"bio": "x" * 2001}, "/bio"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, door: Api, changes, pointer):
        answer = await door.post("/v1/providers", {**PROFILE, **changes}, somebody(Role.PROVIDER))
        assert problem(answer)[0] == 422
        assert pointers(answer) == [pointer]

    async def test_the_same_key_answers_the_same_bytes_again(self, door: Api):
        owner = somebody(Role.PROVIDER)
        first = await door.post("/v1/providers", PROFILE, owner, idempotency_key="once")
        again = await door.post("/v1/providers", PROFILE, owner, idempotency_key="once")
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert (again.status_code, again.content) == (201, first.content)
        for name in ("location", "etag", "daybook-position"):
            assert again.headers[name] == first.headers[name]

    async def test_a_key_belongs_to_its_caller(self, door: Api):
        first = await door.post("/v1/providers", PROFILE, somebody(Role.PROVIDER), idempotency_key="k")
        other = await door.post("/v1/providers", PROFILE, somebody(Role.PROVIDER), idempotency_key="k")
        assert other.status_code == 201
        assert other.json()["id"] != first.json()["id"]

    async def test_a_key_for_another_body_is_refused(self, door: Api):
        owner = somebody(Role.PROVIDER)
        await door.post("/v1/providers", PROFILE, owner, idempotency_key="k")
        other = await door.post("/v1/providers", {**PROFILE, "name": "Other"}, owner, idempotency_key="k")
        assert problem(other) == (422, "key-reused")


class TestListProviders:
    async def test_anybody_may_look(self, town: Town):
        answer = await town.api.get("/v1/providers")
        assert [item["id"] for item in answer.json()["items"]] == [town.provider_id]
        assert answer.json()["next"] is None
        assert position_of(answer.headers["daybook-position"]) > 0

    async def test_shows_each_as_it_was_answered_when_made(self, api: Api):
        made = (await api.post("/v1/providers", PROFILE, somebody(Role.PROVIDER))).json()
        assert (await api.get("/v1/providers")).json()["items"] == [made]

    async def test_filters_by_tag_name_service_and_organization(self, town: Town):
        organization = await town.an_organization()
        said = {**PROFILE, "organization_id": organization}
        grace = (await town.api.post("/v1/providers", said, town.owner)).json()["id"]

        async def found(query: str) -> list[str]:
            answer = await town.api.get(f"/v1/providers?{query}")
            return [item["id"] for item in answer.json()["items"]]

        assert await found("tag=beard") == [grace]
        assert await found("q=rac") == [grace]
        assert await found("q=%25") == []
        assert await found(f"service_id={town.service_id}") == [town.provider_id]
        assert await found(f"organization_id={organization}") == [grace]

    async def test_pages_on_with_the_cursor_until_the_end(self, api: Api):
        owner = somebody(Role.PROVIDER)
        names = ["Ada", "Ada", "Bea", "Cleo", "Dora"]
        for name in names:
            await api.post("/v1/providers", {"name": name, "timezone": "UTC"}, owner)
        seen, query = [], "limit=2"
        while query:
            page = (await api.get(f"/v1/providers?{query}")).json()
            assert len(page["items"]) <= 2
            seen += [item["name"] for item in page["items"]]
            query = page["next"] and f"limit=2&cursor={page['next']}"
        assert seen == names

    async def test_a_cursor_is_for_its_own_filters_and_path(self, api: Api):
        owner = somebody(Role.PROVIDER)
        for name in ("A", "B"):
            await api.post("/v1/providers", {"name": name, "timezone": "UTC"}, owner)
        cursor = (await api.get("/v1/providers?limit=1")).json()["next"]
        assert (await api.get(f"/v1/providers?limit=50&cursor={cursor}")).status_code == 200
        for path in (f"/v1/providers?q=a&cursor={cursor}", f"/v1/services?cursor={cursor}"):
            assert problem(await api.get(path)) == (400, "bad-cursor")

    @pytest.mark.parametrize("cursor", ["", "x", "AAAA", "%00", "%F0%9F%92%A9", "A" * 2000, "PnM6YQ=="])
    async def test_a_forged_cursor_is_refused(self, api: Api, cursor: str):
        assert problem(await api.get(f"/v1/providers?cursor={cursor}")) == (400, "bad-cursor")

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("limit=0", "/limit"),
            ("limit=201", "/limit"),
            ("limit=x", "/limit"),
            ("limit=" + "9" * 400, "/limit"),
            ("color=red", "/color"),
            ("service_id=1", "/service_id"),
            ("tag=A%20B", "/tag"),
            ("q=%00", "/q"),
            ("cursor=" + "A" * 2001, "/cursor"),
        ],
    )
    async def test_says_which_parameter_does_not_fit(self, door: Api, query: str, pointer: str):
        answer = await door.get(f"/v1/providers?{query}")
        assert pointers(answer) == [pointer]
        assert answer.json()["errors"][0]["in"] == "query"

    async def test_a_parameter_is_given_once(self, door: Api):
        assert pointers(await door.get("/v1/providers?limit=1&limit=2")) == ["/limit"]

    async def test_a_query_that_is_not_utf8_is_malformed(self, door: Api):
        assert problem(await door.get("/v1/providers?q=%FF")) == (400, "malformed")


class TestGetProvider:
    async def test_anybody_may_look(self, town: Town):
        answer = await town.api.get(f"/v1/providers/{town.provider_id}")
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        assert answer.json()["name"] == "Ada"

    async def test_a_version_that_is_known_is_not_sent_again(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        for tag in ('"1"', 'W/"1"', '"7", "1"', "*"):
            known = await town.api.get(path, if_none_match=tag)
            assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"1"')
        assert (await town.api.get(path, if_none_match='"2"')).status_code == 200

    @pytest.mark.parametrize(
        "id", ["00000000-0000-4000-8000-000000000000", "1", "a%00b", "%ED%A0%80", "..%2F", "x" * 3000]
    )
    async def test_what_is_not_there_is_not_found(self, api: Api, id: str):
        assert problem(await api.get(f"/v1/providers/{id}")) == (404, "not-found")

    async def test_waits_for_the_position_of_a_write(self, town: Town):
        changed = await town.api.patch(f"/v1/providers/{town.provider_id}", {"name": "Bea"}, town.owner, if_match=1)
        position = changed.headers["daybook-position"]
        answer = await town.api.get(f"/v1/providers/{town.provider_id}", daybook_position=position)
        assert answer.json()["name"] == "Bea"
        assert position_of(answer.headers["daybook-position"]) >= position_of(position)

    @pytest.mark.fault(14)
    async def test_a_reader_that_is_behind_says_when_to_come_again(self, town: Town):
        changed = await town.api.patch(f"/v1/providers/{town.provider_id}", {"name": "Bea"}, town.owner, if_match=1)
        path, position = f"/v1/providers/{town.provider_id}", changed.headers["daybook-position"]
        answer = await town.api.ask("GET", path, daybook_position=position)  # nobody has read on
        assert problem(answer) == (503, "behind")
        assert int(answer.headers["retry-after"]) >= 1

    @pytest.mark.parametrize(
        ("position", "kind"),
        [
            ("1000000", "beyond-head"),
            (str(2**63 - 1), "beyond-head"),
            (str(2**63), "malformed"),
            ("9" * 5000, "malformed"),
            ("-1", "malformed"),
            ("0.1000000", "beyond-head"),
            ("0." + str(2**63), "malformed"),
            ("1.0", "malformed"),
            ("0.", "malformed"),
            ("0.0.1", "malformed"),
            ("one", "malformed"),
            ("", "malformed"),
            ("\u0661".encode(), "malformed"),
        ],
    )
    async def test_a_position_the_log_does_not_have_is_refused(self, town: Town, position, kind: str):
        answer = await town.api.get(f"/v1/providers/{town.provider_id}", daybook_position=position)
        assert problem(answer) == (400, kind)


class TestReplaceProvider:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.put(f"/v1/providers/{village.provider_id}", PROFILE, ANONYMOUS, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_replaces_everything(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        await town.api.put(path, PROFILE, town.owner, if_match=1)
        answer = await town.api.put(path, {"name": "Bea", "timezone": "UTC"}, town.owner, if_match=2)
        told = answer.json()
        assert (told["version"], told["name"], told["bio"], told["tags"]) == (3, "Bea", None, [])
        assert (await town.api.get(path)).json() == told

    async def test_somebody_elses_provider_does_not_exist(self, village: Town):
        answer = await village.api.put(f"/v1/providers/{village.provider_id}", PROFILE, village.stranger, if_match=1)
        assert problem(answer) == (404, "not-found")

    async def test_needs_the_version_seen(self, village: Town):
        path = f"/v1/providers/{village.provider_id}"
        assert problem(await village.api.put(path, PROFILE, village.owner)) == (428, "version-missing")
        stale = await village.api.put(path, PROFILE, village.owner, if_match=7)
        assert problem(stale) == (412, "stale")
        assert stale.json()["current_version"] == 1
        assert (await village.api.put(path, PROFILE, village.owner, if_match="*")).status_code == 200

    @pytest.mark.parametrize(
        "tag", ["1", 'w/"1"', '"1", "2"', '"-1"', '"x"', '"01"', "", '"' + "9" * 400 + '"', b'"\xff"']
    )
    async def test_a_tag_that_is_none_of_ours_is_malformed(self, village: Town, tag):
        answer = await village.api.put(f"/v1/providers/{village.provider_id}", PROFILE, village.owner, if_match=tag)
        assert problem(answer) == (400, "malformed")


class TestChangeProvider:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.patch(f"/v1/providers/{village.provider_id}", {"name": "B"}, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_changes_what_is_said_alone(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        await town.api.put(path, PROFILE, town.owner, if_match=1)
        told = (await town.api.patch(path, {"bio": None}, town.owner, if_match=2)).json()
        assert told == {**told, **PROFILE, "bio": None}

    async def test_what_must_be_there_can_not_be_cleared(self, village: Town):
        path = f"/v1/providers/{village.provider_id}"
        assert pointers(await village.api.patch(path, {"name": None}, village.owner, if_match=1)) == ["/name"]

    async def test_changing_nothing_makes_no_version(self, village: Town):
        path = f"/v1/providers/{village.provider_id}"
        answer = await village.api.patch(path, {"name": "Ada"}, village.owner, if_match=1)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')


class TestDeleteProvider:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.delete(f"/v1/providers/{village.provider_id}", if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_a_deleted_provider_is_listed_no_longer(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        answer = await town.api.delete(path, town.owner, if_match=1)
        assert (answer.status_code, answer.content) == (204, b"")
        assert position_of(answer.headers["daybook-position"]) > 0
        assert (await town.api.get("/v1/providers")).json()["items"] == []
        assert problem(await town.api.get(path)) == (404, "not-found")

    async def test_a_deleted_provider_takes_no_bookings(self, town: Town):
        await town.api.delete(f"/v1/providers/{town.provider_id}", town.owner, if_match=1)
        answer = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        assert problem(answer) == (409, "provider-inactive")
