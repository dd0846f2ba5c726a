"""Hours: the week, dates and time off of a provider; nothing is saved before people have seen what becomes of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.interfaces.admin.browser import Browser, hidden
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.town import WEEK, Town

MORNINGS = dict.fromkeys(WEEK, "09:00-12:00")


def path(town: Town) -> str:
    return f"/admin/providers/{town.provider_id}/hours"


async def previewed(browser: Browser, town: Town, what: str, **said: str) -> httpx.Response:
    """The answer to one of the forms of the page, filled in."""
    page = await browser.get(path(town))
    csrf = hidden(page.text, f"{path(town)}/preview")["csrf"] if "/preview" in page.text else ""
    return await browser.post(f"{path(town)}/preview", {"csrf": csrf, "what": what, **said})


async def saved(browser: Browser, town: Town, preview: httpx.Response, **said: str) -> httpx.Response:
    """What is answered to the preview's own form; the jobs that it leads to are done."""
    assert preview.status_code == 200, text(preview.text)
    fields = hidden(preview.text, f"{path(town)}/save")
    answer = await browser.post(f"{path(town)}/save", {**fields, **said})
    await town.api.people.work()
    return answer


async def state(town: Town, booked: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
    return told


async def schedule(town: Town) -> dict[str, Any]:
    told: dict[str, Any] = (await town.api.get(f"/v1/providers/{town.provider_id}/schedule", town.owner)).json()
    return told


async def test_a_week_is_previewed_and_then_saved_with_a_choice_for_all_and_one_for_single_ones(
    town: Town, owner: Browser
) -> None:
    kept, asked = await town.booked("14:00"), await town.booked("15:00")
    before = await schedule(town)
    preview = await previewed(owner, town, "week", timezone="UTC", **MORNINGS)
    assert "Appointments outside the hours: 2" in text(preview.text)
    assert "Haircut : +0 −" in text(preview.text)  # noqa: RUF001  a minus sign
    assert await schedule(town) == before
    answer = await saved(owner, town, preview, choice="rebook", **{f"orphan-{kept['id']}": "keep"})
    assert answer.status_code == 303, text(answer.text)
    assert "The hours are saved." in (await owner.get(answer.headers["location"])).text
    assert (await schedule(town))["weekly"] == [{"day": day, "from": "09:00", "to": "12:00"} for day in WEEK]
    assert (await state(town, kept))["overridden"] == ["hours"]
    assert (await state(town, asked))["orphaned"]["choice"] == "rebook"


async def test_what_nobody_decided_is_said_on_the_page_and_listed(town: Town, owner: Browser) -> None:
    await town.booked("14:00")
    await saved(owner, town, await previewed(owner, town, "week", timezone="UTC", **MORNINGS))
    page = await owner.get(path(town))
    assert "wait for a decision: 1." in text(page.text)
    rows = await owner.get(f"/admin/appointments?orphaned=on&provider_id={town.provider_id}")
    assert rows.text.count('class="open"') == 1


async def test_a_date_is_closed_gets_other_hours_and_goes_back_to_the_week(town: Town, owner: Browser) -> None:
    for how, hours, expected in (
        ("closed", "", [{"date": town.day(), "hours": []}]),
        ("hours", "10:00–11:00", [{"date": town.day(), "hours": [{"from": "10:00", "to": "11:00"}]}]),  # noqa: RUF001
        ("weekly", "", []),
    ):
        preview = await previewed(owner, town, "date", date=town.day(), how=how, hours=hours)
        assert (await saved(owner, town, preview)).status_code == 303
        assert (await schedule(town))["overrides"] == expected
        page = await owner.get(f"{path(town)}?month={town.day()[:7]}&date={town.day()}")
        assert ("Other hours" in text(page.text)) is bool(expected)


async def test_time_off_is_the_provider_s_wall_clock_and_can_be_removed(town: Town, owner: Browser) -> None:
    berlin = {"timezone": "Europe/Berlin", **dict.fromkeys(WEEK, "00:00-24:00")}
    await saved(owner, town, await previewed(owner, town, "week", **berlin))
    off = {"start": "2027-03-28T01:30", "end": "2027-03-28T03:30", "off_reason": "The clocks change"}
    await saved(owner, town, await previewed(owner, town, "time_off", **off))
    (kept,) = (await schedule(town))["time_off"]
    assert (kept["start"], kept["end"]) == ("2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z")
    assert kept["reason"] == "The clocks change"
    await saved(owner, town, await previewed(owner, town, "no_time_off", time_off_id=kept["id"]))
    assert (await schedule(town))["time_off"] == []


@pytest.mark.parametrize(
    ("what", "said", "wrong"),
    [
        ("week", {"mon": "nine to five"}, "mon-error"),
        ("week", {"mon": "09:00-12:00, 11:00-13:00"}, "weekly-error"),
        ("week", {"timezone": "Mars/Olympus"}, "timezone-error"),
        ("time_off", {"start": "2030-01-02T10:00", "end": "2030-01-01T10:00"}, "time_off-error"),
    ],
)
async def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    town: Town, owner: Browser, what: str, said: dict[str, str], wrong: str
) -> None:
    answer = await previewed(owner, town, what, **said)
    assert answer.status_code == 422, text(answer.text)
    assert f'id="{wrong}"' in answer.text
    assert all(f'value="{value}"' in answer.text for value in said.values())


async def test_whoever_was_late_sees_the_preview_as_it_is_now(town: Town, owner: Browser) -> None:
    booked = await town.booked("14:00")
    preview = await previewed(owner, town, "week", timezone="UTC", **MORNINGS)
    day = f"/v1/providers/{town.provider_id}/schedule/overrides/{town.day(1)}"
    assert (await town.api.put(day, {"hours": []}, town.owner, if_match="*")).status_code == 200
    late = await saved(owner, town, preview, choice="cancel", reason="Ill.")
    assert late.status_code == 412
    assert "Ill." in late.text
    again = await owner.post(
        f"{path(town)}/save",
        {
            **hidden(late.text, f"{path(town)}/save"),
            "choice": "cancel",
            "reason": "Ill.",
        },
    )
    assert again.status_code == 303
    await town.api.people.work()
    assert (await state(town, booked))["status"] == "cancelled"


async def test_to_cancel_without_a_reason_is_refused_and_nothing_is_saved(town: Town, owner: Browser) -> None:
    await town.booked("14:00")
    before = await schedule(town)
    answer = await saved(owner, town, await previewed(owner, town, "week", timezone="UTC", **MORNINGS), choice="cancel")
    assert answer.status_code == 422
    assert "Staff must give a reason." in text(answer.text)
    assert await schedule(town) == before
