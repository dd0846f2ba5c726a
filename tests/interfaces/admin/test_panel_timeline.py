"""The timeline of an appointment: who did what, when and why; and the state then, with what changed marked."""

import re

import pytest

from tests.interfaces.admin.browser import Browser, a_session, with_account
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.town import Town


@pytest.fixture
async def appointment(town: Town) -> str:
    """Booked by a customer, moved by the owner, cancelled in the panel."""
    await town.an_organization(town.provider_id)
    await town.api.post("/v1/customers", {"name": "Zoë Ågren"}, town.customer)
    id = (await town.booked())["id"]
    said = {"start": town.at("11:00"), "reason": "The chair is <broken>."}
    assert (await town.api.post(f"/v1/appointments/{id}/reschedule", said, town.owner, if_match=1)).is_success
    await town.api.catch_up()
    return str(id)


async def test_it_says_who_did_what_when_why_and_by_which_means(town: Town, owner: Browser, appointment: str) -> None:
    card = f"/admin/appointments/{appointment}"
    path = f"{card}/cancel-appointment"
    await owner.post(path, {**await owner.form(card, path), "reason_code": "weather", "reason": "Snow."})
    shown = text((await owner.get(card)).text).partition("Timeline")[2]
    booked, moved, cancelled = (shown.index(each) for each in ("booked it", "moved it", "cancelled it"))
    assert booked < moved < cancelled
    assert "Zoë Ågren \N{EN DASH} booked it" in shown
    assert "11:00 UTC" in shown[moved:cancelled]
    assert "The chair is <broken>." in shown[moved:cancelled]
    assert "you \N{EN DASH} cancelled it (signed in) Snow." in shown


async def test_an_entry_leads_to_the_state_then_with_what_changed_marked(
    town: Town, owner: Browser, appointment: str
) -> None:
    card = await owner.get(f"/admin/appointments/{appointment}")
    first, second = re.findall(r'href="(/admin/timeline/[^"]+)"', card.text)
    begun, moved = await owner.get(first), await owner.get(second)
    assert 'class="changed"' not in begun.text
    assert "09:00 UTC" in text(begun.text).partition("Start")[2]
    marked = [text("<main" + each) for each in re.findall(r'<div class="changed">.*?</div>', moved.text)]
    (start,) = [each for each in marked if each.startswith("Start")]
    assert "11:00 UTC before: " in start
    assert "09:00 UTC" in start.partition("before")[2]
    assert second in begun.text, "the next one"
    assert first in moved.text, "the one before"


async def test_what_followed_is_shown_with_how_it_ended(town: Town, owner: Browser, appointment: str) -> None:
    card = await owner.get(f"/admin/appointments/{appointment}")
    moved = re.findall(r'href="(/admin/timeline/[^"]+)"', card.text)[-1]
    followed = text((await owner.get(moved)).text).partition("What followed")[2]
    assert "mail waiting" in followed
    assert "reminder waiting" in followed


async def test_those_who_may_not_look_into_the_past_see_the_timeline_without_states(
    town: Town, appointment: str
) -> None:
    path = f"/v1/organizations?member_id={town.owner.id}"
    (organization,) = (await town.api.get(path, town.owner)).json()["items"]
    said = {"account_id": str(town.stranger.id), "rank": "staff"}
    assert (await town.api.post(f"/v1/organizations/{organization['id']}/members", said, town.owner)).is_success
    await with_account(town.api, town.stranger)
    staff = await a_session(town.api, town.stranger.account)
    card = await staff.get(f"/admin/appointments/{appointment}")
    assert "moved it" in text(card.text).partition("Timeline")[2]
    assert "/admin/timeline/" not in card.text


async def test_a_position_of_another_thing_is_no_page(owner: Browser, appointment: str) -> None:
    for position in ("0.1", "0.99999", "x"):
        assert (await owner.get(f"/admin/timeline/{appointment}/{position}")).status_code == 404
