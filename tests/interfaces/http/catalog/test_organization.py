"""Organizations, their members and holidays over HTTP."""

from dataclasses import dataclass
from typing import Any

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

BUSINESS = {
    "name": "Ada's",
    "timezone": "Europe/Paris",
    "bio": "Six chairs.",
    "address": "1 Rue de Rivoli",
    "phone": "+33 1 23 45 67 89",
    "email": "salon@example.org",
    "currency": "CHF",
    "external_id": "crm-9",
    "metadata": {"branch": "north"},
}
ANONYMOUSLY = (401, "unauthenticated")
FOREIGN = (404, "not-found")
SOMEWHERE = f"/v1/organizations/{new_id()}"


@dataclass(frozen=True)
class Salon:
    """An organization with a member of each rank; the town's provider belongs to it. `version`: 3."""

    town: Town
    id: str
    manager: Caller
    staff: Caller

    @property
    def api(self) -> Api:
        return self.town.api

    @property
    def owner(self) -> Caller:
        return self.town.owner

    @property
    def path(self) -> str:
        return f"/v1/organizations/{self.id}"

    def member(self, who: Caller) -> str:
        return f"{self.path}/members/{who.id}"

    def holiday(self, day: str) -> str:
        return f"{self.path}/holidays/{day}"


async def _a_salon(town: Town) -> Salon:
    manager, staff = somebody(Role.PROVIDER), somebody(Role.PROVIDER)
    id = await town.an_organization(town.provider_id, manager=manager, staff=staff)
    return Salon(town, id, manager, staff)


@pytest.fixture
async def salon(town: Town) -> Salon:
    return await _a_salon(town)


@pytest.fixture
async def booth(village: Town) -> Salon:
    """The same over a log in memory."""
    return await _a_salon(village)


class TestCreateOrganization:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, door: Api):
        for said in (BUSINESS, {}, b"}"):
            assert problem(await door.post("/v1/organizations", said)) == ANONYMOUSLY

    async def test_answers_what_was_said_and_where_it_is(self, door: Api):
        by = somebody(Role.PROVIDER)
        answer = await door.post("/v1/organizations", BUSINESS, by)
        told = answer.json()
        assert answer.status_code == 201
        assert told == {"id": told["id"], "version": 1, **BUSINESS, "closed": False}
        assert answer.headers["location"] == f"/v1/organizations/{told['id']}"
        assert answer.headers["etag"] == '"1"'

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.AUDITOR, Role.ANALYST])
    async def test_is_for_staff(self, door: Api, role: Role):
        assert problem(await door.post("/v1/organizations", BUSINESS, somebody(role))) == (403, "forbidden")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"name": " "}, "/name"),
            ({"timezone": "Mars/Olympus"}, "/timezone"),
            ({"bio": "\0"}, "/bio"),
            ({"address": "a\nb"}, "/address"),
            ({"members": {}}, "/members"),
            ({"rank": "owner"}, "/rank"),
            ({"owner_id": str(new_id())}, "/owner_id"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, door: Api, changes: dict[str, Any], pointer: str):
        answer = await door.post("/v1/organizations", BUSINESS | changes, somebody(Role.PROVIDER))
        assert pointers(answer) == [pointer]

    async def test_with_a_key_it_is_founded_once(self, door: Api):
        by = somebody(Role.PROVIDER)
        answers = [await door.post("/v1/organizations", BUSINESS, by, idempotency_key="k") for _ in range(2)]
        assert answers[0].content == answers[1].content
        assert answers[1].headers["idempotency-replayed"] == "true"


class TestListOrganizations:
    async def test_anybody_may_look(self, salon: Salon):
        answer = await salon.api.get("/v1/organizations")
        assert [item["id"] for item in answer.json()["items"]] == [salon.id]

    async def test_filters_by_name(self, salon: Salon):
        for q, found in (("ADA", 1), ("Bea", 0)):
            answer = await salon.api.get(f"/v1/organizations?q={q}")
            assert len(answer.json()["items"]) == found

    async def test_who_belongs_to_one_is_told_to_its_members(self, salon: Salon):
        path = f"/v1/organizations?member_id={salon.staff.id}"
        assert problem(await salon.api.get(path)) == ANONYMOUSLY
        knowing = (salon.staff, salon.manager, salon.owner, salon.town.admin, somebody(Role.AUDITOR))
        for by in (*knowing, salon.town.stranger, salon.town.customer):
            answer = await salon.api.get(path, by)
            assert len(answer.json()["items"]) == (by in knowing)
            assert answer.headers["cache-control"] == "no-store"

    async def test_pages_on_with_the_cursor(self, api: Api):
        by = somebody(Role.PROVIDER)
        for name in ("A", "B", "C"):
            await api.post("/v1/organizations", {"name": name}, by)
        first = (await api.get("/v1/organizations?limit=2")).json()
        rest = (await api.get(f"/v1/organizations?limit=2&cursor={first['next']}")).json()
        assert [item["name"] for item in [*first["items"], *rest["items"]]] == ["A", "B", "C"]
        assert rest["next"] is None
        other = await api.get(f"/v1/organizations?limit=2&q=A&cursor={first['next']}")
        assert problem(other) == (400, "bad-cursor")


class TestGetOrganization:
    async def test_anybody_may_look(self, salon: Salon):
        answer = await salon.api.get(salon.path)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
        assert "members" not in answer.json()
        assert (await salon.api.get(salon.path, if_none_match=3)).status_code == 304

    async def test_what_is_not_there_is_not_found(self, api: Api):
        assert problem(await api.get(SOMEWHERE)) == FOREIGN


class TestReplaceOrganization:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.put(SOMEWHERE, {}, if_match=1)) == ANONYMOUSLY

    async def test_replaces_everything(self, booth: Salon):
        told = (await booth.api.put(booth.path, {"name": "Bea's"}, booth.manager, if_match=3)).json()
        empty = {**dict.fromkeys(BUSINESS), "name": "Bea's", "metadata": {}}
        assert told == {"id": booth.id, "version": 4, **empty, "closed": False}

    async def test_is_for_those_who_manage_it(self, booth: Salon):
        answer = await booth.api.put(booth.path, BUSINESS, booth.staff, if_match=3)
        assert problem(answer) == (403, "rank-too-low")
        answer = await booth.api.put(booth.path, BUSINESS, booth.town.stranger, if_match=3)
        assert problem(answer) == FOREIGN


class TestChangeOrganization:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.patch(SOMEWHERE, {}, if_match=1)) == ANONYMOUSLY

    async def test_changes_what_is_said_alone(self, booth: Salon):
        told = (await booth.api.patch(booth.path, {"bio": "New."}, booth.owner, if_match=3)).json()
        assert (told["name"], told["bio"], told["version"]) == ("Ada's", "New.", 4)

    async def test_needs_the_version_that_was_seen(self, booth: Salon):
        answer = await booth.api.patch(booth.path, {"bio": "New."}, booth.owner)
        assert answer.status_code == 428
        answer = await booth.api.patch(booth.path, {"bio": "New."}, booth.owner, if_match=2)
        assert problem(answer)[0] == 412

    async def test_a_stranger_does_not_know_of_it(self, booth: Salon):
        answer = await booth.api.patch(booth.path, {"bio": "Mine."}, booth.town.stranger, if_match=3)
        assert problem(answer) == FOREIGN


class TestDeleteOrganization:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.delete(SOMEWHERE, if_match=1)) == ANONYMOUSLY

    async def test_owners_close_it_and_nothing_is_booked_there_any_more(self, salon: Salon):
        town = salon.town
        assert problem(await town.api.delete(salon.path, salon.manager, if_match=3)) == (403, "rank-too-low")
        assert (await town.api.delete(salon.path, salon.owner, if_match=3)).status_code == 204
        assert problem(await town.api.get(salon.path)) == FOREIGN
        assert (await town.api.get("/v1/organizations")).json()["items"] == []
        refused = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        assert problem(refused) == (409, "provider-inactive")

    async def test_a_stranger_does_not_know_of_it(self, booth: Salon):
        assert problem(await booth.api.delete(booth.path, booth.town.stranger, if_match=3)) == FOREIGN


class TestListMembers:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get(f"{SOMEWHERE}/members")) == ANONYMOUSLY

    async def test_is_for_members_and_those_above(self, salon: Salon):
        path = f"{salon.path}/members"
        expected = {
            str(salon.owner.id): "owner",
            str(salon.manager.id): "manager",
            str(salon.staff.id): "staff",
        }
        for by in (salon.owner, salon.manager, salon.staff, salon.town.admin, somebody(Role.AUDITOR)):
            items = (await salon.api.get(path, by)).json()["items"]
            assert {item["account_id"]: item["rank"] for item in items} == expected
            assert {item["version"] for item in items} == {3}
        for by in (salon.town.stranger, salon.town.customer):
            assert problem(await salon.api.get(path, by)) == FOREIGN
        assert problem(await salon.api.get(path, somebody(Role.ANALYST))) == (403, "forbidden")


class TestAddMember:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, door: Api):
        for said in ({"account_id": str(new_id())}, {}, b"}"):
            assert problem(await door.post(f"{SOMEWHERE}/members", said)) == ANONYMOUSLY

    async def test_is_staff_unless_said(self, salon: Salon):
        account = str(new_id())
        made = await salon.api.post(f"{salon.path}/members", {"account_id": account}, salon.owner)
        assert made.status_code == 201
        assert made.json() == {"id": account, "version": 4, "account_id": account, "rank": "staff"}
        shown = await salon.api.get(made.headers["location"], salon.staff)
        assert (shown.json(), shown.headers["etag"]) == ({**made.json(), "name": ""}, made.headers["etag"])

    @pytest.mark.parametrize("rank", ["owner", "manager"])
    async def test_nobody_puts_a_friend_above_themselves(self, booth: Salon, rank: str):
        said = {"account_id": str(new_id()), "rank": rank}
        for by in (booth.manager, booth.staff):
            answer = await booth.api.post(f"{booth.path}/members", said, by)
            assert problem(answer) == (403, "rank-too-low")
        assert problem(await booth.api.post(f"{booth.path}/members", said, booth.town.stranger)) == FOREIGN

    async def test_a_rank_is_one_of_three(self, booth: Salon):
        said = {"account_id": str(new_id()), "rank": "admin"}
        assert pointers(await booth.api.post(f"{booth.path}/members", said, booth.owner)) == ["/rank"]

    async def test_who_has_another_rank_is_not_added_again(self, booth: Salon):
        said = {"account_id": str(booth.staff.id), "rank": "manager"}
        answer = await booth.api.post(f"{booth.path}/members", said, booth.owner)
        assert problem(answer) == (409, "member-exists")


class TestGetMember:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get(f"{SOMEWHERE}/members/{new_id()}")) == ANONYMOUSLY

    async def test_is_for_members(self, salon: Salon):
        assert (await salon.api.get(salon.member(salon.staff), salon.manager)).json()["rank"] == "staff"
        assert problem(await salon.api.get(salon.member(salon.town.stranger), salon.manager)) == FOREIGN
        assert problem(await salon.api.get(salon.member(salon.staff), salon.town.stranger)) == FOREIGN


class TestChangeMember:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.put(f"{SOMEWHERE}/members/{new_id()}", {}, if_match=1)) == ANONYMOUSLY

    async def test_owners_give_any_rank(self, booth: Salon):
        path = booth.member(booth.staff)
        told = (await booth.api.put(path, {"rank": "manager"}, booth.owner, if_match=3)).json()
        assert (told["rank"], told["version"]) == ("manager", 4)

    @pytest.mark.parametrize("rank", ["owner", "manager"])
    async def test_nobody_raises_themselves(self, booth: Salon, rank: str):
        for by in (booth.manager, booth.staff):
            answer = await booth.api.put(booth.member(by), {"rank": rank}, by, if_match=3)
            assert problem(answer) == (403, "rank-too-low")
        stranger = booth.town.stranger
        answer = await booth.api.put(booth.member(stranger), {"rank": rank}, stranger, if_match=3)
        assert problem(answer) == FOREIGN

    async def test_the_last_owner_stays_one(self, booth: Salon):
        answer = await booth.api.put(booth.member(booth.owner), {"rank": "staff"}, booth.owner, if_match=3)
        assert problem(answer) == (409, "last-owner")


class TestRemoveMember:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.delete(f"{SOMEWHERE}/members/{new_id()}", if_match=1)) == ANONYMOUSLY

    async def test_anybody_may_leave_and_then_knows_it_no_more(self, salon: Salon):
        answer = await salon.api.delete(salon.member(salon.staff), salon.staff, if_match=3)
        assert (answer.status_code, answer.headers["etag"]) == (204, '"4"')
        assert problem(await salon.api.get(f"{salon.path}/members", salon.staff)) == FOREIGN

    async def test_staff_remove_nobody_else(self, booth: Salon):
        for who in (booth.owner, booth.manager):
            answer = await booth.api.delete(booth.member(who), booth.staff, if_match=3)
            assert problem(answer) == (403, "rank-too-low")
        answer = await booth.api.delete(booth.member(booth.staff), booth.town.stranger, if_match=3)
        assert problem(answer) == FOREIGN

    async def test_the_last_owner_can_t_leave(self, booth: Salon):
        answer = await booth.api.delete(booth.member(booth.owner), booth.owner, if_match=3)
        assert problem(answer) == (409, "last-owner")


class TestListHolidays:
    async def test_anybody_may_look(self, salon: Salon):
        for day, name in (("2030-12-26", "Boxing Day"), ("2030-12-25", "Christmas")):
            await salon.api.put(salon.holiday(day), {"name": name}, salon.owner, if_match="*")
        answer = await salon.api.get(f"{salon.path}/holidays")
        assert answer.json() == {
            "items": [
                {"date": "2030-12-25", "name": "Christmas", "version": 5},
                {"date": "2030-12-26", "name": "Boxing Day", "version": 5},
            ],
            "next": None,
        }
        assert problem(await salon.api.get(f"{SOMEWHERE}/holidays")) == FOREIGN


class TestReplaceHoliday:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.put(f"{SOMEWHERE}/holidays/2030-12-25", {}, if_match=1)) == ANONYMOUSLY

    async def test_answers_the_holiday_under_the_organizations_version(self, booth: Salon):
        path = booth.holiday("2030-12-25")
        for name, version in (("Xmas", 4), ("Christmas", 5), ("Christmas", 5)):
            answer = await booth.api.put(path, {"name": name}, booth.manager, if_match="*")
            assert answer.json() == {"date": "2030-12-25", "name": name, "version": version}
            assert answer.headers["etag"] == f'"{version}"'

    async def test_is_for_those_who_manage_it(self, booth: Salon):
        path = booth.holiday("2030-12-25")
        answer = await booth.api.put(path, {"name": "X"}, booth.staff, if_match=3)
        assert problem(answer) == (403, "rank-too-low")
        answer = await booth.api.put(path, {"name": "X"}, booth.town.stranger, if_match=3)
        assert problem(answer) == FOREIGN

    async def test_a_date_is_one(self, booth: Salon):
        answer = await booth.api.put(booth.holiday("2030-02-30"), {"name": "X"}, booth.owner, if_match=3)
        assert pointers(answer) == ["/date"]

    async def test_no_time_is_free_then_and_none_is_booked(self, salon: Salon):
        town = salon.town
        asked = f"/v1/availability?service_id={town.service_id}&from={town.day()}&to={town.day()}&tz=UTC"
        assert (await town.api.get(asked)).json()["starts"]
        await town.api.put(salon.holiday(town.day()), {"name": "Closed"}, salon.owner, if_match=3)
        assert (await town.api.get(asked)).json()["starts"] == []
        why = f"/v1/availability/why?service_id={town.service_id}&start={town.at('09:00')}"
        told = (await town.api.get(why)).json()
        assert (told["rule"], told["holiday"]) == ("closed", {"date": town.day(), "name": "Closed"})
        assert "Closed" in told["detail"]
        refused = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        assert problem(refused) == (409, "outside-hours")

    async def test_an_override_opens_a_date_all_the_same(self, salon: Salon):
        town = salon.town
        await town.api.put(salon.holiday(town.day()), {"name": "Closed"}, salon.owner, if_match=3)
        override = f"/v1/providers/{town.provider_id}/schedule/overrides/{town.day()}"
        said = {"hours": [{"from": "12:00", "to": "13:00"}]}
        assert (await town.api.put(override, said, town.owner, if_match="*")).status_code == 200
        asked = f"/v1/availability?service_id={town.service_id}&from={town.day()}&to={town.day()}&tz=UTC"
        starts = [each["start"] for each in (await town.api.get(asked)).json()["starts"]]
        assert starts == [town.at("12:00"), town.at("12:30")]
        why = f"/v1/availability/why?service_id={town.service_id}&start={town.at('09:00')}"
        assert (await town.api.get(why)).json()["holiday"] is None, "the override closes it, not the holiday"
        await town.booked("12:00")


class TestDeleteHoliday:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.delete(f"{SOMEWHERE}/holidays/2030-12-25", if_match=1)) == ANONYMOUSLY

    async def test_the_date_is_open_again(self, booth: Salon):
        path = booth.holiday("2030-12-25")
        await booth.api.put(path, {"name": "X"}, booth.owner, if_match=3)
        assert problem(await booth.api.delete(path, booth.town.stranger, if_match=4)) == FOREIGN
        assert (await booth.api.delete(path, booth.manager, if_match=4)).status_code == 204
        assert problem(await booth.api.delete(path, booth.manager, if_match=5)) == FOREIGN


async def test_an_unknown_field_or_parameter_is_refused_everywhere(salon: Salon):
    for path in ("/v1/organizations", f"{salon.path}/members", f"{salon.path}/holidays"):
        assert pointers(await salon.api.get(f"{path}?rank=owner", salon.owner)) == ["/rank"]
