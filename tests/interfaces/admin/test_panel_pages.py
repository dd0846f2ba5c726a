"""What people do with the pages: find, read, change, and be told of what happened meanwhile."""

import re
from html import unescape

import pytest

from interfaces.admin.frame import DIGESTS, ROOT
from interfaces.admin.wording import LANGUAGES, Wording
from tests.interfaces.admin.browser import Browser
from tests.interfaces.http.town import Town


def text(page: str) -> str:
    """What people read of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


async def a_named_customer(town: Town, name: str) -> str:
    made = await town.api.post("/v1/customers", {"name": name}, town.owner)
    id: str = made.json()["id"]
    return id


async def test_an_appointment_is_found_by_the_customers_name(town: Town, owner: Browser) -> None:
    zoe, zora = await a_named_customer(town, "Zoë Ågren"), await a_named_customer(town, "Zora Neale")
    for customer, clock in ((zoe, "09:00"), (zora, "10:00")):
        await town.booked(clock, by=town.owner, customer_id=customer)
    found = text((await owner.get("/admin/appointments?person=zoe")).text)
    assert "Zoë Ågren" in found
    assert "Zora" not in found
    several = (await owner.get("/admin/appointments?person=zo")).text
    assert f"?customer_id={zoe}" in several
    assert f"?customer_id={zora}" in several


async def test_cancelling_takes_reason_code_and_text_and_shows_it(town: Town, owner: Browser) -> None:
    booked = await town.booked()
    card = f"/admin/appointments/{booked['id']}"
    path = f"{card}/cancel-appointment"
    form = await owner.form(card, path)
    refused = await owner.post(path, form)
    assert refused.status_code == 422, "staff give a reason"
    done = await owner.post(path, {**form, "reason_code": "weather", "reason": "Snow & ice <3"})
    assert done.status_code == 303
    shown = await owner.get(done.headers["location"])
    assert "Snow & ice <3" in text(shown.text)
    assert "weather" in text(shown.text)
    told = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
    assert (told["status"], told["cancelled"]["reason_code"]) == ("cancelled", "weather")


async def test_a_form_that_is_sent_twice_is_done_once(town: Town, owner: Browser) -> None:
    path = "/admin/customers/create-customer"
    form = {**await owner.form(path), "name": "Twice"}
    first, second = await owner.post(path, form), await owner.post(path, form)
    assert first.headers["location"] == second.headers["location"]


async def test_a_stale_tab_is_told_who_did_what_and_keeps_what_was_typed(
    town: Town, owner: Browser, admin: Browser
) -> None:
    booked = await town.booked()
    card = f"/admin/appointments/{booked['id']}"
    path = f"{card}/cancel-appointment"
    stale = await owner.form(card, path)
    note = f"{card}/change-appointment"
    assert (await admin.post(note, {**await admin.form(note), "note": "Bring tea"})).status_code == 303
    await town.api.catch_up()
    late = await owner.post(path, {**stale, "reason_code": "other", "reason": "I am ill"})
    assert late.status_code == 412
    assert "another person \N{EN DASH} changed the note" in text(late.text)
    assert ">I am ill</textarea>" in late.text
    assert '<option value="other" selected>' in late.text
    again = re.search(r'name="version" value="(\d+)"', late.text)
    assert again is not None
    assert int(again[1]) == int(stale["version"]) + 1


async def test_a_move_is_on_the_providers_wall_clock(town: Town, owner: Browser) -> None:
    """On the day on which the clocks go back in Berlin."""
    hours = [{"day": day, "from": "00:00", "to": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    made = {"name": "Bea", "timezone": "Europe/Berlin"}
    bea = (await town.api.post("/v1/providers", made, town.owner)).json()["id"]
    schedule = {"timezone": "Europe/Berlin", "weekly": hours}
    await town.api.put(f"/v1/providers/{bea}/schedule", schedule, town.owner, if_match="*")
    said = {"name": "Night", "duration": 30, "currency": "EUR", "provider_id": bea}
    night = (await town.api.post("/v1/services", said, town.owner)).json()["id"]
    booked = await town.booked("09:00", provider_id=bea, service_id=night, start="2027-10-30T10:00:00Z")
    path = f"/admin/appointments/{booked['id']}/reschedule-appointment"
    form = await owner.form(path)
    for wall, instant in (("2027-10-31T02:30", "00:30"), ("2027-10-31T03:30", "02:30"), ("2027-03-28T02:30", "01:00")):
        form = await owner.form(path)
        moved = await owner.post(path, {**form, "start": wall})
        assert moved.status_code == 303, text(moved.text)
        told = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
        assert told["start"][11:16] == instant
    assert "03:00 Europe/Berlin" in text((await owner.get(f"/admin/appointments/{booked['id']}")).text)


async def test_an_edit_sends_only_what_was_changed(town: Town, owner: Browser) -> None:
    path = f"/admin/services/{town.service_id}/change-service"
    page = (await owner.get(path)).text
    fields = dict(re.findall(r'<input class="form-control" id="[^"]+" name="(\w+)" type="\w+" value="([^"]*)"', page))
    before = (await town.api.get(f"/v1/services/{town.service_id}", town.owner)).json()
    done = await owner.post(path, {**fields, "late_cancel": "refuse", **await owner.form(path), "price": "4200"})
    assert done.status_code == 303, text(done.text)
    after = (await town.api.get(f"/v1/services/{town.service_id}", town.owner)).json()
    assert {name for name in after if after[name] != before[name]} == {"price", "version"}


async def test_a_wrong_field_is_named_and_the_form_keeps_the_rest(owner: Browser) -> None:
    path = "/admin/providers/create-provider"
    form = {**await owner.form(path), "name": "Mia", "timezone": "Europe/Nowhere", "bio": "Since 1998"}
    refused = await owner.post(path, form)
    assert refused.status_code == 422
    assert "Unknown time zone" in text(refused.text)
    assert 'value="Mia"' in refused.text
    assert "Since 1998</textarea>" in refused.text


async def test_lists_are_paged_and_bounded(town: Town, owner: Browser) -> None:
    for name in ("Ann", "Bob", "Cid"):
        await a_named_customer(town, name)
    first = await owner.get("/admin/customers?limit=2")
    following = re.search(r'href="(/admin/customers\?[^"]*cursor=[^"]+)"', first.text)
    assert following is not None
    second = await owner.get(unescape(following[1]))
    assert "Cid" in text(second.text)
    assert (await owner.get("/admin/customers?limit=201")).status_code == 422


async def test_names_do_not_become_markup(town: Town, owner: Browser) -> None:
    await a_named_customer(town, '<script>alert("x")</script>')
    page = (await owner.get("/admin/customers")).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_a_language_is_chosen_and_kept(owner: Browser) -> None:
    chosen = await owner.get("/admin/language/ru?next=/admin/customers")
    assert chosen.headers["location"] == "/admin/customers"
    page = await owner.get("/admin/customers")
    assert '<html lang="ru">' in page.text
    assert "Клиенты" in page.text


@pytest.mark.parametrize(
    "path", ["/admin/nowhere", "/admin/appointments/1", "/admin/appointments/00000000-0000-7000-8000-000000000000"]
)
async def test_what_is_missing_is_a_page_of_ours(owner: Browser, path: str) -> None:
    missing = await owner.get(path)
    assert missing.status_code == 404
    assert "<h1>404</h1>" in missing.text


def test_both_languages_have_the_same_words() -> None:
    wording = Wording(lambda minor, currency, locale: "")
    english, russian = (wording._words[name] for name in LANGUAGES)
    assert english.keys() == russian.keys()


def test_vendored_files_are_those_whose_licences_were_read() -> None:
    listed = (ROOT / "static" / "VENDORED").read_text(encoding="utf-8").splitlines()[1:]
    vendored = ("tabler.css", "event-calendar.js", "event-calendar.css")
    assert {line.split()[0]: line.split()[-1] for line in listed} == {name: DIGESTS[name] for name in vendored}
