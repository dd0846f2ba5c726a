"""People are invited to an organization by e-mail, and join it by the page behind the link or over the API."""

import pytest

from application.access import Caller, Role
from tests.infrastructure.mail.gallery import LANGUAGES
from tests.interfaces.http.pages.mailed import mailed_links, press
from tests.interfaces.http.sign_in import an_account, signed_in
from tests.interfaces.http.town import Town, pointers, problem

EMAIL = "grace@example.org"
PASSWORD = "a ship in port is safe"


@pytest.fixture
async def path(town: Town) -> str:
    """Of the invitations of an organization of the town's owner."""
    return f"/v1/organizations/{await town.an_organization(town.provider_id)}/invitations"


async def invited(town: Town, path: str, **said: str) -> dict[str, str]:
    made = await town.api.post(path, {"email": EMAIL, **said}, town.owner)
    assert made.status_code == 201, made.text
    told: dict[str, str] = made.json()
    return told


async def members(town: Town, path: str) -> dict[str, str]:
    """Name -> rank."""
    listed = (await town.api.get(path.replace("invitations", "members"), town.owner)).json()["items"]
    return {each["name"]: each["rank"] for each in listed}


class TestInvitation:
    async def test_is_answered_listed_and_read(self, town: Town, path: str) -> None:
        made = await town.api.post(path, {"email": EMAIL, "rank": "manager"}, town.owner)
        told = made.json()
        assert (told["email"], told["rank"], told["invited_by"]) == (EMAIL, "manager", str(town.owner.id))
        read = await town.api.get(made.headers["location"], town.owner)
        assert read.json() == told
        assert read.headers["etag"] == f'"{told["version"]}"'
        assert (await town.api.get(path, town.owner)).json()["items"] == [told]

    async def test_again_to_one_address_replaces_the_one_before(self, town: Town, path: str) -> None:
        first, second = await invited(town, path), await invited(town, path, email="GRACE@example.org")
        listed = (await town.api.get(path, town.owner)).json()["items"]
        assert [each["id"] for each in listed] == [second["id"]]
        assert problem(await town.api.get(f"{path}/{first['id']}", town.owner)) == (404, "not-found")

    async def test_withdrawn_is_not_there_and_its_link_is_void(self, town: Town, path: str) -> None:
        made = await invited(town, path)
        (link,) = await mailed_links(town.api)
        assert (await town.api.get(link)).status_code == 200
        here = f"{path}/{made['id']}"
        assert problem(await town.api.delete(here, town.owner, if_match=1)) == (412, "stale")
        assert (await town.api.delete(here, town.owner, if_match=made["version"])).status_code == 204
        assert (await town.api.get(path, town.owner)).json()["items"] == []
        page = await town.api.get(link)
        assert page.status_code == 410
        assert "withdrawn" in page.text

    async def test_needs_an_address_that_mail_reaches(self, town: Town, path: str) -> None:
        assert pointers(await town.api.post(path, {"email": "nobody"}, town.owner)) == ["/email"]

    async def test_a_customer_is_not_added_without_being_asked(self, town: Town, path: str) -> None:
        grace = await an_account(town.api, EMAIL)
        answer = await town.api.post(path.replace("invitations", "members"), {"account_id": str(grace.id)}, town.owner)
        assert problem(answer) == (409, "role-cannot-join")

    async def test_is_accepted_over_the_api_by_the_account_of_the_address(self, town: Town, path: str) -> None:
        grace = await an_account(town.api, EMAIL, Role.PROVIDER)
        made = await invited(town, path)
        stranger = await an_account(town.api, "other@example.org")
        here = f"{path}/{made['id']}"
        assert problem(await town.api.post(f"{here}/accept", {}, stranger)) == (404, "not-found")
        joined = await town.api.post(f"{here}/accept", {}, grace)
        assert (joined.status_code, joined.json()["account_id"], joined.json()["rank"]) == (200, str(grace.id), "staff")
        assert (await members(town, path))["Grace Hopper"] == "staff"
        assert problem(await town.api.post(f"{here}/decline", {}, grace)) == (404, "not-found")


@pytest.mark.parametrize("language", LANGUAGES)
class TestPage:
    async def test_makes_an_account_that_is_staff_and_sets_its_password(
        self, town: Town, path: str, language: str
    ) -> None:
        made = await town.booked()
        await invited(town, path, language=language)
        (link,) = await mailed_links(town.api)
        page = await town.api.get(link)
        assert f'<html lang="{language}">' in page.text
        assert EMAIL in page.text
        nameless = await press(town.api, page, "/accept", name=" ")
        assert nameless.status_code == 422
        assert 'role="alert"' in nameless.text
        form = await press(town.api, nameless, "/accept", name="Grace Hopper")
        assert form.status_code == 200, form.text
        done = await press(town.api, form, "/reset", password=PASSWORD, again=PASSWORD)
        assert done.status_code == 200, done.text
        assert (await signed_in(town.api, EMAIL, PASSWORD)).status_code == 200
        me = (await members(town, path))["Grace Hopper"]
        assert me == "staff"
        (found,) = (await town.api.get(f"/v1/users?q={EMAIL}", town.admin)).json()["items"]
        grace = Caller(found["id"], Role.PROVIDER)
        assert found["role"] == "provider"
        assert (await town.api.get(f"/v1/appointments/{made['id']}", grace)).status_code == 200
        late = await town.api.get(link)
        assert late.status_code == 410
        assert f'<html lang="{language}">' in late.text

    async def test_of_a_customer_says_that_the_role_changes(self, town: Town, path: str, language: str) -> None:
        grace = await an_account(town.api, EMAIL)
        await invited(town, path, language=language, rank="manager")
        page = await town.api.get((await mailed_links(town.api))[-1])
        assert 'name="name"' not in page.text
        assert {"en": "provider's account", "ru": "учётной записью специалиста"}[language] in page.text.replace(
            "&#39;", "'"
        )
        done = await press(town.api, page, "/accept")
        assert done.status_code == 200, done.text
        assert (await members(town, path))["Grace Hopper"] == "manager"
        assert (await town.api.get(f"/v1/users/{grace.id}", town.admin)).json()["role"] == "provider"

    async def test_declines(self, town: Town, path: str, language: str) -> None:
        await invited(town, path, language=language)
        (link,) = await mailed_links(town.api)
        done = await press(town.api, await town.api.get(link), "/decline")
        assert done.status_code == 200, done.text
        assert 'role="status"' in done.text
        assert (await town.api.get(path, town.owner)).json()["items"] == []
        assert (await town.api.get(link)).status_code == 410
