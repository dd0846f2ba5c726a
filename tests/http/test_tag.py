"""Tags over HTTP."""

import pytest

from application.access import Role
from domain.kernel import new_id
from tests.builders import somebody
from tests.http.town import Api, Town, pointers, problem


class TestCreateTag:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, door: Api):
        for said in ({"slug": "hair"}, {}, b"?"):
            assert problem(await door.post("/v1/tags", said)) == (401, "unauthenticated")

    async def test_one_slug_is_one_tag(self, door: Api):
        first = await door.post("/v1/tags", {"slug": "hair", "name": "Hair"}, somebody(Role.PROVIDER))
        again = await door.post("/v1/tags", {"slug": "hair"}, somebody(Role.PROVIDER))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json() == {**first.json(), "version": 1, "slug": "hair", "name": "Hair"}

    @pytest.mark.parametrize(
        "slug", ["", "Hair", "-hair", "hair-", "a--b", "a b", "h\u00e4r", "x" * 51, "a\n"]
    )
    async def test_a_slug_is_lower_case_words(self, door: Api, slug: str):
        assert pointers(await door.post("/v1/tags", {"slug": slug}, somebody(Role.PROVIDER))) == ["/slug"]


class TestListTags:
    async def test_anybody_may_look_at_tags_in_use(self, town: Town):
        await town.a_service(tags=["beard"])
        await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)
        answer = await town.api.get("/v1/tags")
        assert [item["slug"] for item in answer.json()["items"]] == ["beard", "hair"]


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


class TestDeleteTag:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.delete(f"/v1/tags/{new_id()}", if_match=1)) == (401, "unauthenticated")

    async def test_a_retired_tag_is_back_when_somebody_uses_it(self, town: Town):
        path = (await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)).headers["location"]
        assert (await town.api.delete(path, town.admin, if_match=1)).status_code == 204
        assert problem(await town.api.get(path)) == (404, "not-found")
        await town.a_service(tags=["hair"])
        assert (await town.api.get(path)).headers["etag"] == '"3"'
