"""Every link of every mail leads to a page that works once with its button, and says something useful when too late."""

import asyncio
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from application.access import OPERATOR, SYSTEM, LinkPurpose, Role
from application.booking.waitlist import OfferPlace, offer_place
from application.people.account import RegisterAccount, register_account
from application.webhooks.subscription import DisableWebhook, disable_webhook
from domain.kernel import new_id
from domain.people.account_status import AccountContact
from infrastructure.identity import rate_limits
from infrastructure.pages.renderer import TEMPLATES
from tests.infrastructure.mail.gallery import LANGUAGES, LINKS
from tests.interfaces.http.accounts import PASSWORD, text_of
from tests.interfaces.http.pages.mailed import (
    LINK,
    a_guest,
    a_link,
    actions,
    forms,
    hrefs,
    language_of,
    mailed_links,
    press,
    send,
)
from tests.interfaces.http.sign_in import an_account, register, signed_in
from tests.interfaces.http.town import Api, Town

GUEST, OWNER = "guest@example.org", "owner@example.org"
HEAD = "SELECT max(notification_id) FROM log.stored_events"


async def status(town: Town, id: str) -> dict[str, Any]:
    answer = await town.api.get(f"/v1/appointments/{id}", town.admin)
    told: dict[str, Any] = answer.json()
    return told


async def for_guest(town: Town, **terms: Any) -> tuple[str, str]:
    """An appointment of a guest, and the link of its mail."""
    guest = await a_guest(town)
    service = await town.a_service(**terms) if terms else {"id": town.service_id}
    booked = await town.booked(by=town.owner, customer_id=guest, service_id=service["id"])
    return booked["id"], (await mailed_links(town.api))[-1]


async def owned(town: Town) -> None:
    """Give the owner of the town an account with an address."""
    contact: AccountContact = {"email": OWNER, "name": "Ada", "timezone": None, "language": None}
    said = {"account_id": town.owner.account, "address": await town.api.ports.store.address_id(OWNER)}
    command = RegisterAccount(by=OPERATOR, role=Role.PROVIDER, contact=contact, **said)
    await register_account(command, town.api.ports.store)


@pytest.mark.parametrize("language", LANGUAGES)
class TestEveryLink:
    async def test_of_a_registration_confirms_the_address_once(self, api: Api, language: str) -> None:
        await register(api, language=language)
        (link,) = await mailed_links(api)
        page = await api.get(link)
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        again = await api.get(link)
        assert again.status_code == 200, "a scanner that opens the link uses nothing up"
        done = await press(api, page, "/verify")
        assert done.status_code == 200, done.text
        assert 'role="status"' in done.text
        assert (await signed_in(api, "grace@example.org", PASSWORD)).status_code == 200
        for late in (await press(api, page, "/verify"), await api.get(link)):
            assert late.status_code == 410
            assert 'role="alert"' in late.text
            assert f'<html lang="{language}">' in late.text

    async def test_of_a_reset_and_of_an_invitation_sets_a_password_once(self, api: Api, language: str) -> None:
        grace = await an_account(api)
        await language_of(api, grace, language)
        await api.post("/v1/auth/password/forgot", {"email": "grace@example.org"})
        said = {"email": "bea@example.org", "name": "Bea", "role": "customer", "language": language}
        admin = await an_account(api, "admin@example.org", Role.ADMIN)
        assert (await api.post("/v1/users", said, admin)).status_code == 201
        links = await mailed_links(api)
        assert len(links) == 2
        for link in links:
            page = await api.get(link)
            assert f'<html lang="{language}">' in page.text
            short = await press(api, page, "/reset", password="short", again="short")
            assert short.status_code == 422
            assert (await press(api, short, "/reset", password=PASSWORD, again="other")).status_code == 422
            done = await press(api, short, "/reset", password=PASSWORD, again=PASSWORD)
            assert done.status_code == 200, done.text
            assert (await press(api, page, "/reset", password=PASSWORD, again=PASSWORD)).status_code == 410
            assert (await api.get(link)).status_code == 410
        for email in ("grace@example.org", "bea@example.org"):
            assert (await signed_in(api, email, PASSWORD)).status_code == 200

    async def test_of_a_booking_moves_and_cancels_it(self, town: Town, language: str) -> None:
        customer = await an_account(town.api)
        await language_of(town.api, customer, language)
        booked = await town.booked(by=customer)
        link = (await mailed_links(town.api))[-1]
        page = await town.api.get(link)
        assert page.status_code == 200, page.text
        assert f'<html lang="{language}">' in page.text
        (to_times,) = [each for each in hrefs(page) if "/move" in each]
        times = await town.api.get(f"{to_times}&week={town.day()}")
        starts = [each["value"] for each in forms(times)[0].buttons]
        assert town.at("09:30") in starts
        assert town.at("09:00") not in starts
        moved = await press(town.api, times, "/move", start=town.at("10:00"))
        assert moved.status_code == 200, moved.text
        assert (await status(town, booked["id"]))["start"] == town.at("10:00")
        newest = await town.api.get((await mailed_links(town.api))[-1])
        done = await press(town.api, newest, "/cancel", reason="I am ill.")
        assert done.status_code == 200
        told = await status(town, booked["id"])
        assert told["status"] == "cancelled"
        assert told["cancelled"]["party"] == "customer"
        assert told["cancelled"]["reason"] == "I am ill."
        late = await town.api.get((await mailed_links(town.api))[-1])
        assert late.status_code == 200
        assert actions(late) == []

    async def test_of_a_request_lets_the_owner_answer_it(self, town: Town, language: str) -> None:
        await owned(town)
        await language_of(town.api, town.owner, language)
        service = await town.a_service(approval=True)
        customer = await an_account(town.api)
        first = await town.booked("09:00", by=customer, service_id=service["id"])
        second = await town.booked("10:00", by=customer, service_id=service["id"])
        links = {
            each.split("?")[0]: each
            for each in await mailed_links(town.api)
            if sorted(actions(await town.api.get(each))) == ["confirm", "decline"]
        }
        for id, action, becomes in ((first["id"], "confirm", "booked"), (second["id"], "decline", "declined")):
            page = await town.api.get(links[f"/appointments/{id}"])
            assert f'<html lang="{language}">' in page.text
            assert "Grace Hopper" in page.text, "who asks"
            done = await press(town.api, page, f"/{action}")
            assert done.status_code == 200, done.text
            assert (await status(town, id))["status"] == becomes
            assert actions(await town.api.get(links[f"/appointments/{id}"])) == []
            again = await press(town.api, page, f"/{action}")
            assert again.status_code == 200, "a button that is pressed twice"

    async def test_of_a_request_lets_a_member_of_the_team_answer_it(self, town: Town, language: str) -> None:
        await owned(town)
        member = await an_account(town.api, "cleo@example.org", role=Role.PROVIDER)
        await language_of(town.api, member, language)
        await town.api.patch("/v1/me", {"notifications": {"team": True}}, member, if_match="*")
        await town.an_organization(town.provider_id, staff=member)
        service = await town.a_service(approval=True)
        booked = await town.booked("09:00", by=await an_account(town.api), service_id=service["id"])
        await mailed_links(town.api)
        asked = [mail for mail in await town.api.people.mails() if mail["X-Daybook-Kind"] == "approve"]
        links = {str(mail["To"]): LINK.findall(text_of(mail))[0] for mail in asked}
        assert links.keys() == {OWNER, "cleo@example.org"}
        told = (await town.api.get(f"/v1/appointments/{booked['id']}/notices", town.owner)).json()["items"]
        assert [(each["to"], each["status"]) for each in told if each["kind"] == "approve"] == [("staff", "sent")] * 2
        page = await town.api.get(links["cleo@example.org"])
        assert f'<html lang="{language}">' in page.text
        done = await press(town.api, page, "/confirm")
        assert done.status_code == 200, done.text
        assert (await status(town, booked["id"]))["status"] == "booked"
        assert [actions(await town.api.get(each)) for each in links.values()] == [[], []]

    async def test_of_a_mail_to_staff_stops_its_kind_by_one_click(self, town: Town, language: str) -> None:
        await owned(town)
        await language_of(town.api, town.owner, language)
        booked = await town.booked("09:00", by=await an_account(town.api))
        await mailed_links(town.api)
        (mail,) = [each for each in await town.api.people.mails() if each["X-Daybook-Kind"] == "staff-booked"]
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = mail["List-Unsubscribe"].strip("<>").removeprefix("https://daybook.test")
        assert f'<html lang="{language}">' in (await town.api.get(link)).text

        async def wanted() -> dict[str, bool]:
            told: dict[str, bool] = (await town.api.get("/v1/me", town.owner)).json()["notifications"]
            return told

        before = await wanted()
        assert (await send(town.api, link, {"List-Unsubscribe": "One-Click"})).status_code == 200
        assert await wanted() == before | {"booked": False}
        again = await press(town.api, await town.api.get(link), str(town.owner.account))
        assert again.status_code == 200, again.text
        assert await wanted() == before
        wrong = link.replace("setting=booked", "setting=role")
        assert (await town.api.get(wrong)).status_code == 400
        assert (await town.api.get(f"/appointments/{booked['id']}?{link.partition('?')[2]}")).status_code == 410

    async def test_of_an_offer_books_the_place(self, town: Town, language: str) -> None:
        customer = await an_account(town.api)
        await language_of(town.api, customer, language)
        dates = {"from": town.day(), "to": town.day(1)}
        said = {"service_id": town.service_id, "dates": dates}
        waiting = (await town.api.post("/v1/waitlist", said, customer)).json()["id"]
        start = town.monday + timedelta(hours=9)
        made = {"waiting_id": UUID(waiting), "hold_id": new_id(), "provider_id": UUID(town.provider_id), "start": start}
        await offer_place(OfferPlace(by=SYSTEM, **made), town.api.ports.store)
        link, stop = (await mailed_links(town.api))[-2:]
        page = await town.api.get(link)
        assert sorted(actions(page)) == ["accept", "leave"]
        assert f'<html lang="{language}">' in page.text
        done = await press(town.api, page, "/accept")
        assert done.status_code == 200, done.text
        again = await press(town.api, page, "/accept")
        assert again.status_code == 200, "a button that is pressed twice books once"
        listed = (await town.api.get("/v1/appointments", customer)).json()["items"]
        assert [each["start"] for each in listed] == [town.at("09:00")]
        assert (await send(town.api, stop, {"List-Unsubscribe": "One-Click"})).status_code == 200
        assert (await town.api.get("/v1/me", customer)).json()["reminders"] is False
        late = await town.api.get(link)
        assert late.status_code == 200
        assert actions(late) == []

    async def test_of_a_paused_webhook_resumes_it(self, town: Town, language: str) -> None:
        await owned(town)
        await language_of(town.api, town.owner, language)
        said = {"url": "https://hooks.example.org/x", "types": ["appointment.booked"], "provider_id": town.provider_id}
        made = await town.api.post("/v1/webhooks", said, town.owner)
        assert made.status_code == 201, made.text
        id = made.json()["id"]
        await disable_webhook(DisableWebhook(by=SYSTEM, webhook_id=UUID(id), reason="failing"), town.api.ports.store)
        link = next(each for each in await mailed_links(town.api) if each.startswith("/webhooks/"))
        page = await town.api.get(link)
        assert f'<html lang="{language}">' in page.text
        assert (await press(town.api, page, "/resume")).status_code == 200
        assert (await town.api.get(f"/v1/webhooks/{id}", town.owner)).json()["state"] == "active"
        assert actions(await town.api.get(link)) == []


class TestAGuest:
    async def test_moves_and_cancels_without_an_account(self, town: Town) -> None:
        id, link = await for_guest(town)
        page = await town.api.get(link)
        assert sorted(actions(page)) == ["cancel"]
        (to_times,) = [each for each in hrefs(page) if "/move" in each]
        times = await town.api.get(f"{to_times}&week={town.day()}")
        assert (await press(town.api, times, "/move", start=town.at("11:00"))).status_code == 200
        assert (await status(town, id))["start"] == town.at("11:00")
        page = await town.api.get((await mailed_links(town.api))[-1])
        first, second = [await press(town.api, page, "/cancel") for _ in range(2)]
        assert (first.status_code, second.status_code) == (200, 200)
        assert (await status(town, id))["status"] == "cancelled"

    async def test_stops_optional_mails_by_one_click_and_gets_them_again(self, town: Town) -> None:
        guest = await a_guest(town)
        link = a_link(town, LinkPurpose.MAILS, guest, GUEST)
        one_click = await send(town.api, link, {"List-Unsubscribe": "One-Click"})
        assert one_click.status_code == 200, one_click.text
        off = await town.api.get(link)
        assert forms(off)[0].fields["wanted"] == "1"
        assert (await press(town.api, off, guest)).status_code == 200
        assert forms(await town.api.get(link))[0].fields["wanted"] == "0"


class TestTooLate:
    async def test_a_page_past_the_deadline_offers_no_button_and_says_whom_to_ask(self, town: Town) -> None:
        id, link = await for_guest(town, cancel_notice=500_000, reschedule_notice=500_000)
        page = await town.api.get(link)
        assert page.status_code == 200
        assert actions(page) == []
        assert "Online cancellation has closed." in page.text
        assert "Please contact <bdi>Ada</bdi>" in page.text
        token = {"t": link.partition("t=")[2].partition("&")[0]}
        refused = await send(town.api, f"/appointments/{id}/cancel", token)
        assert refused.status_code == 409
        assert "Online cancellation has closed." in refused.text
        assert (await status(town, id))["status"] == "booked"

    async def test_a_fee_is_named_before_the_button_that_costs_it(self, town: Town) -> None:
        _, link = await for_guest(town, cancel_notice=500_000, late_cancel="fee", late_fee=1000, price=5000)
        page = await town.api.get(link)
        assert "you will be charged €10.00" in page.text
        assert "cancel" in actions(page)

    async def test_a_page_that_is_out_of_date_changes_nothing(self, town: Town) -> None:
        id, link = await for_guest(town)
        page = await town.api.get(link)
        path = f"/v1/appointments/{id}/reschedule"
        assert (await town.api.post(path, {"start": town.at("15:00")}, town.owner, if_match="*")).status_code == 200
        refused = await press(town.api, page, "/cancel")
        assert refused.status_code == 412
        assert "has changed" in refused.text
        assert (await status(town, id))["status"] == "booked"
        assert (await press(town.api, refused, "/cancel")).status_code == 200, "the new page has the new version"

    async def test_a_time_that_was_just_taken_leads_to_the_other_times(self, town: Town) -> None:
        id, link = await for_guest(town)
        (to_times,) = [each for each in hrefs(await town.api.get(link)) if "/move" in each]
        times = await town.api.get(f"{to_times}&week={town.day()}")
        await town.booked("12:00")
        refused = await press(town.api, times, "/move", start=town.at("12:00"))
        assert refused.status_code == 409
        assert "Somebody else has just taken this time." in refused.text
        assert forms(refused)[0].action == f"/appointments/{id}/move"
        assert (await status(town, id))["start"] == town.at("09:00")


class TestALink:
    async def test_without_a_capability_opens_nothing(self, town: Town) -> None:
        id, link = await for_guest(town)
        for path in (link.split("?")[0], f"/appointments/{id}/move"):
            page = await town.api.get(path)
            assert page.status_code == 401
            assert "Gus" not in page.text
        assert (await send(town.api, f"/appointments/{id}/cancel", {})).status_code == 401

    async def test_that_is_forged_or_of_another_subject_is_void(self, town: Town) -> None:
        id, link = await for_guest(town)
        other = (await town.booked("10:00"))["id"]
        for path in (link.replace("t=", "t=A"), link.replace(id, other), link.replace(id, str(new_id()))):
            assert (await town.api.get(path)).status_code == 410

    async def test_is_void_once_the_address_has_changed(self, town: Town) -> None:
        id, link = await for_guest(town)
        guest = (await status(town, id))["customer_id"]
        said = {"email": "other@example.org"}
        assert (await town.api.patch(f"/v1/customers/{guest}", said, town.owner, if_match="*")).status_code == 200
        assert (await town.api.get(link)).status_code == 410

    async def test_is_void_once_the_account_is_disabled(self, town: Town) -> None:
        customer = await an_account(town.api)
        await town.booked(by=customer)
        link = (await mailed_links(town.api))[-1]
        assert (await town.api.get(link)).status_code == 200
        path = f"/v1/users/{customer.id}?appointments=keep"
        answer = await town.api.patch(path, {"disabled": True}, town.admin, if_match="*")
        assert answer.status_code == 200, answer.text
        assert (await town.api.get(link)).status_code == 410

    async def test_is_void_once_the_person_is_erased(self, town: Town) -> None:
        id, link = await for_guest(town)
        guest = (await status(town, id))["customer_id"]
        path = f"/v1/customers/{guest}/forget"
        erasing = asyncio.create_task(town.api.post(path, {"cancel_appointments": True}, town.admin))
        while not (await asyncio.wait([erasing], timeout=0.2))[0]:  # it waits for what it has recorded
            await town.api.catch_up()
        answer = erasing.result()
        assert answer.is_success, answer.text
        await town.api.people.work()
        assert (await town.api.get(link)).status_code == 410

    async def test_says_that_it_has_expired(self, town: Town) -> None:
        id, _ = await for_guest(town)
        yesterday = town.api.ports.store.now() - timedelta(days=1)
        parts = urlsplit(LINKS.signed(LinkPurpose.APPOINTMENT, UUID(id), GUEST, yesterday, "ru"))
        page = await town.api.get(f"{parts.path}?{parts.query}")
        assert page.status_code == 410
        assert "Срок действия ссылки истёк." in page.text

    async def test_changes_nothing_when_it_is_opened(self, town: Town) -> None:
        _, link = await for_guest(town)
        before = await town.api.people.rows.all(HEAD)
        await town.api.get(link)
        await town.api.get(link.replace("?", "/move?"))
        assert await town.api.people.rows.all(HEAD) == before

    async def test_permits_its_own_actions_alone(self, town: Town) -> None:
        """Each kind of link at each action of the pages: + it is let through, . it is not valid there."""
        await owned(town)
        id, _ = await for_guest(town, approval=True)
        kinds = {
            "customer": a_link(town, LinkPurpose.APPOINTMENT, id, GUEST),
            "staff": a_link(town, LinkPurpose.STAFF, id, OWNER),
            "offer": a_link(town, LinkPurpose.OFFER, id, GUEST),
            "mails": a_link(town, LinkPurpose.MAILS, id, GUEST),
            "notifications": a_link(town, LinkPurpose.NOTIFICATIONS, id, OWNER),
        }
        own = {"customer": {"cancel", "move"}, "staff": {"confirm", "decline"}}
        for kind, link in kinds.items():
            token = {"t": link.partition("t=")[2].partition("&")[0], "version": "999", "start": town.at("16:00")}
            let = set()
            for action in ("cancel", "move", "confirm", "decline"):
                answer = await send(town.api, f"/appointments/{id}/{action}", token)
                assert answer.status_code in {409, 410, 412}, answer.text
                let |= {action} if answer.status_code != 410 else set()
            assert let == own.get(kind, set()), kind

    async def test_is_recorded_with_what_it_did(self, town: Town) -> None:
        id, link = await for_guest(town)
        await press(town.api, await town.api.get(link), "/cancel")
        newest = "SELECT metadata FROM log.stored_events WHERE originator_id = %s ORDER BY notification_id DESC LIMIT 1"
        ((metadata,),) = await town.api.people.rows.all(newest, [UUID(id)])
        told = metadata if isinstance(metadata, dict) else json.loads(metadata)
        assert told["via"] == "link:appointment"
        assert told["channel"] == "page"


class TestEveryPage:
    async def test_runs_nothing_tells_nobody_and_is_stored_nowhere(self, town: Town) -> None:
        _, link = await for_guest(town)
        for page in (await town.api.get(link), await town.api.get("/verify?code=x"), await town.api.get("/reset")):
            told = page.headers
            assert told["content-type"] == "text/html; charset=utf-8"
            assert "default-src 'self'; script-src 'none'" in told["content-security-policy"]
            assert "frame-ancestors 'none'" in told["content-security-policy"]
            assert told["referrer-policy"] == "no-referrer"
            assert told["cache-control"] == "no-store"
            assert "set-cookie" not in told
            assert "<script" not in page.text
            assert not re.search(r"\son\w+=|\sstyle=", page.text)
        style = await town.api.get("/pages/style.css")
        assert style.headers["content-type"] == "text/css"

    async def test_shows_names_as_text(self, town: Town) -> None:
        said = {"name": "<i>Ada\u202e</i>"}
        path = f"/v1/providers/{town.provider_id}"
        assert (await town.api.patch(path, said, town.owner, if_match="*")).status_code == 200
        _, link = await for_guest(town)
        page = await town.api.get(link)
        assert "<i>" not in page.text
        assert "&lt;i&gt;Ada&lt;/i&gt;" in page.text

    async def test_refuses_what_is_no_form_or_too_large(self, town: Town) -> None:
        id, _ = await for_guest(town)
        path = f"/appointments/{id}/cancel"
        assert (await town.api.post(path, {"t": "x"})).status_code == 400
        assert (await send(town.api, path, {"reason": "x" * 20_000})).status_code == 413

    async def test_is_limited(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        few = {**rate_limits.POLICIES, "page": [rate_limits.RateLimitWindow("network", 1, 60)]}
        monkeypatch.setattr(rate_limits, "POLICIES", few)
        first, second = [await town.api.get("/reset") for _ in range(2)]
        assert (first.status_code, second.status_code) == (410, 429)
        assert "Too many requests" in second.text

    @pytest.mark.parametrize("accepted", ["ru-RU,ru;q=0.9,en", "fr,ru", "ru"])
    async def test_speaks_the_browsers_language_where_the_link_names_none(self, door: Api, accepted: str) -> None:
        page = await door.get(f"/appointments/{new_id()}", accept_language=accepted)
        assert '<html lang="ru">' in page.text
        page = await door.get(f"/appointments/{new_id()}?lang=xx", accept_language="fr")
        assert '<html lang="en">' in page.text


class TestWords:
    def words(self, language: str) -> dict[str, str]:
        told: dict[str, str] = json.loads((TEMPLATES / f"{language}.json").read_text(encoding="utf-8"))
        return told

    def test_each_language_has_all_of_them_with_the_same_values(self) -> None:
        english = self.words("en")
        for file in TEMPLATES.glob("*.json"):
            told = self.words(file.stem)
            assert told.keys() == english.keys()
            for key, text in told.items():
                assert re.findall(r"%\(\w+\)s", text) == re.findall(r"%\(\w+\)s", english[key]), key

    def test_each_is_used(self) -> None:
        files = [*TEMPLATES.glob("*.html"), *TEMPLATES.glob("*.jinja")]
        used = "".join(file.read_text(encoding="utf-8") for file in files)
        families = ("status.", "offer.", "webhook.", "invitation.", "setting.", "done.", "problem")
        made = (*families, "mails", "notifications")
        for key in self.words("en"):
            assert key.startswith(made) or f'say("{key}"' in used or f"say('{key}'" in used, key
