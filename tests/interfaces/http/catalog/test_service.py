"""Services over HTTP."""

from typing import Any

import pytest

from application.access import Role
from domain.kernel import new_id
from tests.interfaces.http.town import Town, pointers, problem, service
from tests.support.builders import somebody

TERMS: dict[str, Any] = {
    "name": "Colour",
    "duration": 90,
    "price": 9900,
    "currency": "EUR",
    "step": 15,
    "align": "clock",
    "buffer_before": 5,
    "buffer_after": 10,
    "capacity": 2,
    "min_notice": 60,
    "window": {"kind": "rolling", "days": 30},
    "hours": [{"day": "mon", "from": "09:00", "to": "12:00"}, {"day": "sat", "from": "22:00", "to": "02:00"}],
    "cancel_notice": 1440,
    "reschedule_notice": 720,
    "max_reschedules": 2,
    "late_cancel": "fee",
    "late_fee": 1000,
    "tags": ["colour"],
    "description": "Roots or all of it.",
    "category": "Colour",
    "place": "Second floor",
    "meeting_url": "https://meet.example.org/ada",
    "external_id": "crm-7",
    "metadata": {"shelf": "3"},
}
DEFAULTS = {
    "price": 0,
    "step": None,
    "align": "opening",
    "buffer_before": 0,
    "buffer_after": 0,
    "capacity": 1,
    "min_notice": 0,
    "window": None,
    "hours": None,
    "cancel_notice": 0,
    "reschedule_notice": 0,
    "max_reschedules": None,
    "late_cancel": "refuse",
    "late_fee": None,
    "tags": [],
    "description": None,
    "category": None,
    "place": None,
    "meeting_url": None,
    "external_id": None,
    "metadata": {},
    "organization_id": None,
    "withdrawn": False,
    "status": "active",
}


class TestCreateService:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, village: Town):
        for said in (service(village.provider_id), {}, b"["):
            assert problem(await village.api.post("/v1/services", said)) == (401, "unauthenticated")

    async def test_customers_offer_nothing(self, village: Town):
        answer = await village.api.post("/v1/services", service(village.provider_id), village.customer)
        assert problem(answer) == (403, "forbidden")

    async def test_answers_all_terms_as_they_were_said(self, town: Town):
        said = service(town.provider_id, **TERMS)
        answer = await town.api.post("/v1/services", said, town.owner)
        told = answer.json()
        window = {"kind": "rolling", "days": 30, "from": None, "to": None}
        assert answer.status_code == 201
        assert told == {**told, **said, "window": window, "provider_ids": [town.provider_id], "version": 1}
        assert answer.headers["location"] == f"/v1/services/{told['id']}"
        assert (await town.api.get(f"/v1/services/{told['id']}")).json() == told

    async def test_what_is_not_said_has_defaults(self, village: Town):
        told = (await village.api.post("/v1/services", service(village.provider_id), village.owner)).json()
        assert told == {**told, **DEFAULTS}

    async def test_the_organization_has_the_currency_of_services_without_one(self, village: Town):
        api, id = village.api, await village.an_organization(village.provider_id)
        said = {"name": "Cut", "duration": 30, "organization_id": id, "provider_ids": [village.provider_id]}
        assert pointers(await api.post("/v1/services", said, village.owner)) == ["/currency"]
        await api.patch(f"/v1/organizations/{id}", {"currency": "CHF"}, village.owner, if_match="*")
        made = await api.post("/v1/services", said, village.owner)
        assert (made.status_code, made.json()["currency"]) == (201, "CHF")
        path = f"/v1/services/{made.json()['id']}"
        priced = await api.put(path, {**said, "currency": "JPY"}, village.owner, if_match="*")
        again = await api.put(path, said, village.owner, if_match="*")
        assert (priced.json()["currency"], again.json()["currency"]) == ("JPY", "CHF")
        alone = {"name": "Cut", "duration": 30, "provider_id": village.provider_id}
        assert pointers(await api.post("/v1/services", alone, village.owner)) == ["/currency"]

    async def test_a_service_is_found_by_category_and_description(self, town: Town):
        await town.a_service(name="Balayage", category="Colour", description="Highlights, painted freehand.")
        for q in ("colour", "freehand balayage"):
            found = (await town.api.get(f"/v1/services?q={q}")).json()["items"]
            assert [each["name"] for each in found] == ["Balayage"]

    async def test_somebody_elses_provider_is_unknown(self, village: Town):
        answer = await village.api.post("/v1/services", service(village.provider_id), village.stranger)
        assert pointers(answer) == ["/provider_id"]

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"duration": 0}, "/duration"),
            ({"duration": -30}, "/duration"),
            ({"duration": 10_081}, "/duration"),
            ({"duration": 10**300}, "/duration"),
            ({"duration": 30.5}, "/duration"),
            ({"duration": "30"}, "/duration"),
            ({"duration": True}, "/duration"),
            ({"capacity": 0}, "/capacity"),
            ({"capacity": 1001}, "/capacity"),
            ({"price": -1}, "/price"),
            ({"price": 10**12 + 1}, "/price"),
            ({"currency": "eur"}, "/currency"),
            ({"currency": "EURO"}, "/currency"),
            ({"currency": "XQZ"}, "/currency"),
            ({"currency": "XAU"}, "/currency"),
            ({"min_notice": 525_601}, "/min_notice"),
            ({"align": "sideways"}, "/align"),
            ({"late_cancel": "maybe"}, "/late_cancel"),
            ({"window": {"kind": "rolling"}}, "/window"),
            ({"window": {"kind": "rolling", "days": 0}}, "/window/days"),
            ({"window": {"kind": "fixed"}}, "/window"),
            ({"window": {"kind": "fixed", "from": "2030-02-01", "to": "2030-01-01"}}, "/window"),
            ({"window": {"kind": "fixed", "from": "9999-12-31"}}, "/window/from"),
            ({"window": {"kind": "business", "days": 5, "to": "2030-01-01"}}, "/window"),
            ({"hours": []}, "/hours"),
            ({"late_fee": 5}, "/late_fee"),
            ({"late_fee": 0, "late_cancel": "refuse"}, "/late_fee"),
            ({"min_notice": 2941, "window": {"kind": "rolling", "days": 2}}, "/min_notice"),
            ({"hours": [{"day": "mon", "from": "09:00", "to": "09:00"}]}, "/hours/0/to"),
            ({"hours": [{"day": "mon", "from": "9:00", "to": "12:00"}]}, "/hours/0/from"),
            ({"hours": [{"day": "mon", "from": "24:00", "to": "12:00"}]}, "/hours/0/from"),
            ({"hours": [{"day": "monday", "from": "09:00", "to": "12:00"}]}, "/hours/0/day"),
            ({"provider_id": None}, ""),
            ({"organization_id": str(new_id())}, ""),
            ({"provider_ids": [str(new_id())]}, ""),
            ({"provider_ids": []}, "/provider_ids"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, village: Town, changes: dict[str, Any], pointer: str):
        answer = await village.api.post("/v1/services", service(village.provider_id, **changes), village.owner)
        assert pointers(answer) == [pointer]

    async def test_hours_may_not_overlap(self, village: Town):
        windows = [
            {"day": "sun", "from": "22:00", "to": "02:00"},
            {"day": "mon", "from": "01:00", "to": "03:00"},
        ]
        answer = await village.api.post("/v1/services", service(village.provider_id, hours=windows), village.owner)
        assert pointers(answer) == ["/hours"]

    async def test_an_organization_offers_with_some_of_its_providers(self, town: Town):
        organization_id = await town.an_organization(town.provider_id)
        who = {"provider_id": None, "organization_id": organization_id, "provider_ids": [town.provider_id]}
        told = (await town.api.post("/v1/services", service("", **who), town.owner)).json()
        assert told == {**told, **who}


class TestListServices:
    async def test_anybody_may_look(self, town: Town):
        answer = await town.api.get("/v1/services")
        assert [item["id"] for item in answer.json()["items"]] == [town.service_id]

    async def test_filters_by_tag_provider_and_name(self, town: Town):
        colour = (await town.a_service(**TERMS))["id"]

        async def found(query: str) -> list[str]:
            return [item["id"] for item in (await town.api.get(f"/v1/services?{query}")).json()["items"]]

        assert await found("tag=colour") == [colour]
        assert await found("q=OLOU") == [colour]
        assert await found(f"provider_id={town.provider_id}") == [colour, town.service_id]
        assert await found(f"provider_id={new_id()}") == []


class TestGetService:
    async def test_anybody_may_look(self, town: Town):
        answer = await town.api.get(f"/v1/services/{town.service_id}")
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        known = await town.api.get(f"/v1/services/{town.service_id}", if_none_match=1)
        assert known.status_code == 304

    async def test_what_is_not_there_is_not_found(self, town: Town):
        assert problem(await town.api.get(f"/v1/services/{new_id()}")) == (404, "not-found")


class TestReplaceService:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.put(f"/v1/services/{village.service_id}", {}, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_replaces_all_terms(self, village: Town):
        path = f"/v1/services/{village.service_id}"
        await village.api.put(path, service(village.provider_id, **TERMS), village.owner, if_match=1)
        told = (await village.api.put(path, service(village.provider_id), village.owner, if_match=2)).json()
        assert told == {**told, **DEFAULTS, "version": 3}

    async def test_somebody_elses_service_does_not_exist(self, village: Town):
        said = service(village.provider_id)
        answer = await village.api.put(f"/v1/services/{village.service_id}", said, village.stranger, if_match=1)
        assert problem(answer) == (404, "not-found")


class TestChangeService:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.patch(f"/v1/services/{village.service_id}", {}, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_changes_what_is_said_alone(self, town: Town):
        path = f"/v1/services/{town.service_id}"
        before = (await town.api.get(path)).json()
        told = (await town.api.patch(path, {"price": 100}, town.owner, if_match=1)).json()
        assert told == {**before, "price": 100, "version": 2}

    async def test_terms_that_contradict_each_other_are_refused_though_one_of_them_was_there(self, village: Town):
        made = await village.a_service(late_cancel="fee", late_fee=500)
        path = f"/v1/services/{made['id']}"
        answer = await village.api.patch(path, {"late_cancel": "refuse"}, village.owner, if_match=1)
        assert pointers(answer) == ["/late_fee"]
        both = {"late_cancel": "refuse", "late_fee": None}
        assert (await village.api.patch(path, both, village.owner, if_match=1)).status_code == 200

    async def test_who_offers_it_is_changed_as_a_whole(self, town: Town):
        path = f"/v1/services/{town.service_id}"
        answer = await town.api.patch(path, {"provider_ids": [str(new_id())]}, town.owner, if_match=1)
        assert pointers(answer) == [""]
        organization_id = await town.an_organization(town.provider_id)
        who = {"organization_id": organization_id, "provider_ids": [town.provider_id]}
        told = (await town.api.patch(path, who, town.owner, if_match=1)).json()
        assert told == {**told, **who, "provider_id": None}

    async def test_a_changed_price_does_not_touch_what_is_booked(self, town: Town):
        made = await town.booked()
        await town.api.patch(f"/v1/services/{town.service_id}", {"price": 100}, town.owner, if_match=1)
        shown = (await town.api.get(f"/v1/appointments/{made['id']}", town.customer)).json()
        assert shown.items() >= made.items()


class TestDeleteService:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.delete(f"/v1/services/{village.service_id}", if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_a_withdrawn_service_takes_no_bookings(self, town: Town):
        answer = await town.api.delete(f"/v1/services/{town.service_id}", town.owner, if_match=1)
        assert answer.status_code == 204
        refused = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        assert problem(refused) == (409, "service-withdrawn")
        assert (await town.api.get("/v1/services")).json()["items"] == []

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.AUDITOR, Role.ANALYST])
    async def test_only_staff_withdraw(self, village: Town, role: Role):
        answer = await village.api.delete(f"/v1/services/{village.service_id}", somebody(role), if_match=1)
        assert problem(answer) == (403, "forbidden")
