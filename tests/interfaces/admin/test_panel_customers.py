"""The card of a customer: what staff note, what was consented to, and what they book."""

from tests.interfaces.admin.browser import Browser
from tests.interfaces.admin.test_panel_pages import a_named_customer, text
from tests.interfaces.http.town import Town


async def test_the_staff_note_is_edited_and_shown(town: Town, owner: Browser) -> None:
    card = f"/admin/customers/{await a_named_customer(town, 'Zoë Ågren')}"
    path = f"{card}/change-customer"
    form = await owner.filled_form(path)
    done = await owner.post(path, {**form, "staff_note": "Prefers silence."})
    assert done.status_code == 303, text(done.text)
    assert "Staff note Prefers silence." in text((await owner.get(done.headers["location"])).text)
    cleared = await owner.post(path, {**await owner.filled_form(path), "staff_note": ""})
    assert cleared.status_code == 303
    assert "Prefers silence." not in text((await owner.get(card)).text)


async def test_a_stale_edit_of_the_staff_note_keeps_the_words(town: Town, owner: Browser, admin: Browser) -> None:
    path = f"/admin/customers/{await a_named_customer(town, 'Zoë Ågren')}/change-customer"
    stale = await owner.filled_form(path)
    first = await admin.post(path, {**await admin.filled_form(path), "staff_note": "Was late twice."})
    assert first.status_code == 303
    late = await owner.post(path, {**stale, "staff_note": "Prefers silence."})
    assert late.status_code == 412
    assert ">Prefers silence.</textarea>" in late.text


async def test_a_consent_is_recorded_shown_and_withdrawn_once(town: Town, owner: Browser) -> None:
    card = f"/admin/customers/{await a_named_customer(town, 'Zoë Ågren')}"
    give, withdraw = f"{card}/give-consent", f"{card}/withdraw-consent"
    said = {"purpose": "photos", "text": "You may show my <hair>.", "given_at": "2025-01-31"}
    done = await owner.post(give, {**await owner.form(card, give), **said})
    assert done.status_code == 303, text(done.text)
    shown = await owner.get(card)
    assert "photos You may show my <hair>. Fri 31 Jan 2025, 00:00 UTC you" in text(shown.text)
    form = await owner.form(card, withdraw)
    assert form["consent_id"]
    assert (await owner.post(withdraw, form)).status_code == 303
    after = await owner.get(card)
    assert "You may show my <hair>." in text(after.text)
    assert withdraw not in after.text, "there is nothing left to withdraw"


async def test_a_wrong_consent_is_named_and_the_form_keeps_the_rest(town: Town, owner: Browser) -> None:
    card = f"/admin/customers/{await a_named_customer(town, 'Zoë Ågren')}"
    form = await owner.form(card, f"{card}/give-consent")
    refused = await owner.post(f"{card}/give-consent", {**form, "purpose": "All Mails", "text": "Send all."})
    assert refused.status_code == 422
    assert ">Send all.</textarea>" in refused.text


async def test_the_card_shows_the_next_appointments_and_counts_late_cancellations(town: Town, owner: Browser) -> None:
    path = (await town.api.post("/v1/customers", {"name": "Zoë Ågren"}, town.customer)).headers["location"]
    service = await town.a_service(late_cancel="fee", late_fee=500, cancel_notice=43_200)
    late, ahead = await town.booked("09:00", service_id=service["id"]), await town.booked("11:00")
    card = path.replace("/v1", "/admin")
    assert "Late cancellations" not in text((await owner.get(card)).text)
    cancelled = await town.api.post(f"/v1/appointments/{late['id']}/cancel", {}, town.customer, if_match=1)
    assert cancelled.json()["cancelled"]["late"], cancelled.text
    shown = await owner.get(card)
    assert "Late cancellations 1" in text(shown.text)
    assert "No-shows" not in text(shown.text)
    assert f'href="/admin/appointments/{ahead["id"]}"' in shown.text.partition("Next appointments")[2]


async def test_a_guest_is_merged_into_a_record_that_is_alike(town: Town, owner: Browser) -> None:
    guest, into = await a_named_customer(town, "Zoe Agren"), await a_named_customer(town, "Zoë Ågren")
    await a_named_customer(town, "Bea")
    booked = await town.booked("09:00", by=town.owner, customer_id=guest)
    card = f"/admin/customers/{guest}"
    page = await owner.get(card)
    assert f'<option value="{into}">Zoë Ågren</option>' in page.text
    assert ">Bea</option>" not in page.text
    path = f"{card}/merge-customer"
    done = await owner.post(path, {**await owner.form(card, path), "into": into})
    assert done.status_code == 303, text(done.text)
    listed = text((await owner.get(done.headers["location"])).text)
    assert "Merged." in listed
    assert "Zoe Agren" not in listed
    assert booked["id"] in (await owner.get(f"/admin/customers/{into}")).text


async def test_where_nobody_is_alike_the_form_says_so(town: Town, owner: Browser) -> None:
    card = await owner.get(f"/admin/customers/{await a_named_customer(town, 'Zoë Ågren')}")
    assert "No other customer has this name" in text(card.text)
