"""Tags over HTTP."""

import pytest

from application.access import Role
from domain.catalog.tag import Tag
from domain.kernel import new_id
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody


class TestCreateTag:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, door: Api):
        for said in ({"slug": "hair"}, {}, b"?"):
            assert problem(await door.post("/v1/tags", said)) == (401, "unauthenticated")

    async def test_one_slug_is_one_tag(self, door: Api):
        first = await door.post("/v1/tags", {"slug": "hair", "name": "Hair"}, somebody(Role.PROVIDER))
        again = await door.post("/v1/tags", {"slug": "hair"}, somebody(Role.PROVIDER))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json() == {**first.json(), "version": 1, "slug": "hair", "name": "Hair"}

    @pytest.mark.parametrize("slug", ["", "Hair", "-hair", "hair-", "a--b", "a b", "h\u00e4r", "x" * 51, "a\n"])
    async def test_a_slug_is_lower_case_words(self, door: Api, slug: str):
        assert pointers(await door.post("/v1/tags", {"slug": slug}, somebody(Role.PROVIDER))) == ["/slug"]


class TestListTags:
    async def test_anybody_may_look_at_tags_in_use(self, town: Town):
        await town.a_service(tags=["beard"])
        await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)
        answer = await town.api.get("/v1/tags")
        assert [(i["slug"], i["providers"], i["services"]) for i in answer.json()["items"]] == [
            ("beard", 0, 1),
            ("hair", 0, 0),
        ]


class TestGetTag:
    async def test_anybody_may_look(self, town: Town):
        made = await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)
        answer = await town.api.get(made.headers["location"])
        assert (answer.content, answer.headers["etag"]) == (made.content, '"1"')

    async def test_what_is_not_there_is_not_found(self, api: Api):
        assert problem(await api.get(f"/v1/tags/{new_id()}")) == (404, "not-found")


class TestReplaceTag:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.put(f"/v1/tags/{new_id()}", {}, if_match=1)) == (401, "unauthenticated")

    async def test_admins_rename(self, town: Town):
        path = (await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)).headers["location"]
        assert problem(await town.api.put(path, {"name": "Hairs"}, town.owner, if_match=1))[0] == 403
        told = (await town.api.put(path, {"name": "Hairs"}, town.admin, if_match=1)).json()
        assert (told["slug"], told["name"], told["version"]) == ("hair", "Hairs", 2)

    async def test_the_slug_before_still_leads_to_it(self, town: Town):
        await town.a_service(tags=["hair"])
        path = f"/v1/tags/{Tag.id_of('hair')}"
        told = (await town.api.put(path, {"name": "Haar", "slug": "haar"}, town.admin, if_match=1)).json()
        assert (told["slug"], told["aliases"]) == ("haar", ["hair"])
        assert (await town.api.get(path)).json() == told
        for slug in ("hair", "haar"):
            (found,) = (await town.api.get(f"/v1/services?tag={slug}")).json()["items"]
            assert found["tags"] == ["haar"]
        assert (await town.a_service(tags=["hair"]))["tags"] == ["haar"]

    async def test_a_slug_of_another_tag_is_refused(self, village: Town):
        paths = [
            (await village.api.post("/v1/tags", {"slug": slug}, village.owner)).headers["location"]
            for slug in ("hair", "beard")
        ]
        said = {"name": "Hair", "slug": "beard"}
        assert problem(await village.api.put(paths[0], said, village.admin, if_match=1)) == (
            409,
            "slug-taken",
        )
        assert pointers(await village.api.put(paths[0], {"name": "H", "slug": "H"}, village.admin, if_match=1)) == [
            "/slug"
        ]


class TestMergeTag:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.post(f"/v1/tags/{new_id()}/merge", {}, if_match=1)) == (
            401,
            "unauthenticated",
        )

    async def test_only_admins_merge_and_say_which_version_they_have_seen(self, village: Town):
        made = [(await village.api.post("/v1/tags", {"slug": slug}, village.owner)).json() for slug in ("a", "b")]
        path, said = f"/v1/tags/{made[0]['id']}/merge", {"into": made[1]["id"]}
        assert problem(await village.api.post(path, said, village.owner, if_match=1))[0] == 403
        assert problem(await village.api.post(path, said, village.admin))[0] == 428
        assert problem(await village.api.post(path, said, village.admin, if_match=2))[0] == 412
        assert pointers(await village.api.post(path, {"into": "b"}, village.admin, if_match=1)) == ["/into"]
        itself = {"into": made[0]["id"]}
        assert problem(await village.api.post(path, itself, village.admin, if_match=1)) == (
            409,
            "merged-into-itself",
        )
        kept = await village.api.post(path, said, village.admin, if_match=1)
        assert (kept.status_code, kept.headers["etag"]) == (200, '"2"')
        assert kept.json() == {**made[1], "version": 2, "aliases": ["a"]}

    async def test_no_link_is_lost(self, town: Town):
        for tags in (["old"], ["new"], ["old", "new"], ["old"]):
            await town.a_service(tags=tags)
        path, said = f"/v1/tags/{Tag.id_of('old')}/merge", {"into": str(Tag.id_of("new"))}
        await town.api.post(path, said, town.admin, if_match=1)
        for slug in ("old", "new"):
            found = (await town.api.get(f"/v1/services?tag={slug}")).json()["items"]
            assert [each["tags"] for each in found] == [["new"]] * 4
        (tag,) = (await town.api.get("/v1/tags")).json()["items"]
        assert (tag["slug"], tag["aliases"], tag["services"]) == ("new", ["old"], 4)
        starts = [
            (await town.api.get(f"/v1/availability/earliest?tag={slug}")).json()["starts"] for slug in ("old", "new")
        ]
        assert starts[0] == starts[1] != []


class TestDeleteTag:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.delete(f"/v1/tags/{new_id()}", if_match=1)) == (401, "unauthenticated")

    async def test_a_retired_tag_is_back_when_somebody_uses_it(self, town: Town):
        path = (await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)).headers["location"]
        assert (await town.api.delete(path, town.admin, if_match=1)).status_code == 204
        assert problem(await town.api.get(path)) == (404, "not-found")
        await town.a_service(tags=["hair"])
        assert (await town.api.get(path)).headers["etag"] == '"3"'
