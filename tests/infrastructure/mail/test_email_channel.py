# ruff: noqa: RUF001  dashes, and Russian
"""Notices as mail: words, times and calendar parts, as a real mail server gets them."""

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtplib import SMTPRecipientsRefused
from icalendar import Calendar

from application.access import LinkPurpose
from application.jobs.job import Job, PermanentFailure
from application.notifications.appointment_details import FormerPlace
from application.notifications.links import TOKEN, Links
from application.notifications.notice import OPTIONAL, STAFF, NoticeKind
from application.notifications.notice_jobs import NoticeServices, notify
from domain.kernel import new_id
from infrastructure.mail.email_channel import TO_CUSTOMERS, EmailChannel
from infrastructure.mail.formatting import line, locale_of
from infrastructure.mail.mailer import SmtpSender
from infrastructure.mail.message_builder import TEMPLATES, MessageBuilder
from tests.infrastructure.mail.gallery import (
    LANGUAGES,
    LETTERS,
    LINKS,
    a_notice,
    a_recipient,
    a_visit,
    letter,
    write,
)
from tests.infrastructure.mail.test_mailer import smtp  # noqa: F401  a fixture
from tests.infrastructure.mail.test_message_builder import part, words, words_of
from tests.support.no_mailer import Nobody, anyway

CALENDAR = {
    NoticeKind.REQUESTED: ("REQUEST", "TENTATIVE"),
    NoticeKind.BOOKED: ("REQUEST", "CONFIRMED"),
    NoticeKind.MOVED: ("REQUEST", "CONFIRMED"),
    NoticeKind.NOT_MOVED: ("REQUEST", "CONFIRMED"),
    NoticeKind.REBOOK: ("REQUEST", "CONFIRMED"),
    NoticeKind.CANCELLED: ("CANCEL", "CANCELLED"),
    NoticeKind.DECLINED: ("CANCEL", "CANCELLED"),
    NoticeKind.EXPIRED: ("CANCEL", "CANCELLED"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    "Ada\r\nBcc: all@example.org",
    "Ada\nATTENDEE:mailto:x@example.org\n",
    "Ada\u2028\u2029\x00\x1b[31m",
    "\u202egnp.exe\u202c\u2066x\u2069",
    "👩‍👩‍👧 שלום 💇",
    '";X-EVIL=1:BEGIN:VALARM',
    "a\\,b;c:d^e'f",
    "{{ 7 * 7 }} {% raw %} %(until)s %s",
    "\ud800",
    "x" * 3000,
]

WITHOUT_A_TIME = frozenset({NoticeKind.WEBHOOK_DISABLED, NoticeKind.WAITLIST_ENDED})


def utc(told: str) -> datetime:
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


def written(kind: NoticeKind = NoticeKind.BOOKED, language: str = "en", **changes: Any) -> EmailMessage:
    zone = changes.pop("zone", "Europe/Berlin")
    notice = a_notice(kind, a_visit(**changes))
    return LETTERS.message(letter(notice, a_recipient(language, timezone=zone)))


def text(message: EmailMessage) -> str:
    return part(message, "plain").replace("\r\n", "\n").replace("\u00a0", " ")


def calendars(message: EmailMessage) -> list[Calendar]:
    """The alternative and the file."""
    types = {"text/calendar", "application/ics"}
    parts = [each for each in message.walk() if each.get_content_type() in types]
    return [Calendar.from_ical(each.get_payload(decode=True)) for each in parts]


def the_event(message: EmailMessage) -> Any:
    (shown, kept) = calendars(message)
    assert shown.to_ical() == kept.to_ical()
    (event,) = shown.events
    return event


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
class TestEveryKind:
    def test_is_written_in_every_language_as_text_and_html(self, kind: NoticeKind, language: str) -> None:
        message = written(kind, language)
        said, html = text(message), part(message, "html")
        assert message["Content-Language"] == language
        assert message["Message-ID"] == f"<{a_notice(kind).id}@daybook.test>"
        assert "\n\n\n" not in said
        for told in ("Bea Brown", "https://daybook.test/"):
            assert told in said
            assert told in html
        if kind not in WITHOUT_A_TIME:
            assert ("2:00 pm – 3:00 pm" if language == "en" else "14:00–15:00") in said
            assert ("Sat 24 Oct, 2:00 pm" if language == "en" else "сб 24 окт., 14:00") in message["Subject"]
            assert "Torstraße 1" in html
        assert said.startswith("Hi Bea Brown,\n" if language == "en" else "Здравствуйте, Bea Brown!\n")
        assert words_of(html) == words(said)

    def test_the_subject_is_short_and_plain(self, kind: NoticeKind, language: str) -> None:
        for service in ("Haircut", "Haircut, " * 20):
            subject = written(kind, language, service=service)["Subject"]
            assert len(subject) < 60
            assert not set("\u00a0\u202f\u2009") & set(subject)
            assert language == "ru" or service != "Haircut" or subject.isascii()
            assert kind in WITHOUT_A_TIME or subject.endswith("2:00 pm" if language == "en" else "14:00")

    def test_those_that_people_can_do_without_say_how_to_stop_them(self, kind: NoticeKind, language: str) -> None:
        holder, guest = a_recipient(language), a_recipient(language, account_id=None, guest_id=UUID(int=8))
        for person, recipient in ((UUID(int=7), holder), (UUID(int=8), guest)):
            message = LETTERS.message(letter(a_notice(kind), recipient))
            if kind not in OPTIONAL and (kind not in STAFF or recipient is guest):
                assert message["List-Unsubscribe"] is None
                continue
            assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            link = message["List-Unsubscribe"].strip("<>")
            assert link in text(message)
            token = TOKEN.findall(link)[0]
            permitted = LINKS.open(token, person, a_notice(kind).at)
            assert permitted.purpose is (LinkPurpose.NOTIFICATIONS if kind in STAFF else LinkPurpose.MAILS)
            assert link.partition("&setting=")[2] == STAFF.get(kind, "")

    def test_the_provider_sends_it_to_customers_and_daybook_to_others(self, kind: NoticeKind, language: str) -> None:
        message = written(kind, language, email="ada@salon.example")
        named = kind in TO_CUSTOMERS
        by = "via" if language == "en" else "через"
        assert message["From"].addresses[0].display_name == (f"Ada's Salon {by} Daybook" if named else "Daybook")
        assert message["From"].addresses[0].addr_spec == "no-reply@daybook.test"
        assert message["Reply-To"] == ("ada@salon.example" if named else None)
        signature = "Ada's Salon" if named else "Daybook"
        assert f"\n\n{signature}\n\n" in text(message)

    def test_it_says_why_it_was_sent(self, kind: NoticeKind, language: str) -> None:
        footer = text(written(kind, language, phone="+49 30 901820")).rpartition("\n\n")[2]
        assert footer.startswith(
            "You get this mail because" if language == "en" else "Вы получили это письмо, потому что"
        )
        assert ("Sent by Daybook." if language == "en" else "Отправитель: Daybook.") in footer
        assert ("+49 30 901820" in footer) is (kind in TO_CUSTOMERS)

    def test_the_page_has_a_title_a_preview_and_a_table_that_is_read_as_one(
        self, kind: NoticeKind, language: str
    ) -> None:
        message = written(kind, language)
        html = part(message, "html")
        assert f"<title>{escape(message['Subject'])}</title>" in html
        hidden = re.search(r'<div style="display: none[^>]*>(.*?)</div>', html)
        assert hidden
        assert hidden[1].strip()
        if kind not in WITHOUT_A_TIME:
            assert hidden[1].endswith("· Ada&#39;s Salon · Torstraße 1, 10119 Berlin")
            assert html.count('role="rowheader"') == html.count('role="cell"') == html.count('role="row"') > 4
            assert "<bdi>Ada&#39;s Salon</bdi>" in html

    def test_holds_a_calendar_part_if_it_is_for_calendars(self, kind: NoticeKind, language: str) -> None:
        message = written(kind, language)
        if kind not in CALENDAR:
            assert calendars(message) == []
            return
        method, status = CALENDAR[kind]
        event = the_event(message)
        (shown, _) = calendars(message)
        assert (shown["METHOD"], event["STATUS"]) == (method, status)
        alternative = message.get_body().get_content_type()
        assert alternative == "text/html"
        (ics,) = [each for each in message.walk() if each.get_content_type() == "text/calendar"]
        assert ics.get_param("method") == method
        assert [each.get_filename() for each in message.iter_attachments()] == ["invite.ics"]


class TestTimes:
    """An appointment in Berlin, or New York, before, on and after the day on which clocks change."""

    @pytest.mark.parametrize(
        ("start", "zone", "when"),
        [
            ("2026-10-24T12:00", "Europe/Berlin", "Saturday, 24 October 2026, 2:00 pm – 3:00 pm\n"),
            ("2026-10-25T12:00", "Europe/Berlin", "Sunday, 25 October 2026, 1:00 pm – 2:00 pm\n"),
            ("2026-10-26T12:00", "Europe/Berlin", "Monday, 26 October 2026, 1:00 pm – 2:00 pm\n"),
            (
                "2026-10-25T00:15",
                "Europe/Berlin",
                "Sunday, 25 October 2026, 2:15 am – 2:15 am, Berlin time (UTC+2)\n",
            ),
            (
                "2026-10-25T01:15",
                "Europe/Berlin",
                "Sunday, 25 October 2026, 2:15 am – 3:15 am, Berlin time (UTC+1)\n",
            ),
            (
                "2026-10-31T12:00",
                "America/New_York",
                (
                    "Saturday, 31 October 2026, 8:00 am – 9:00 am, New York time (UTC−4)\n"
                    "At Ada's Salon: Saturday, 31 October 2026, 1:00 pm, Berlin time (UTC+1)\n"
                ),
            ),
            (
                "2026-11-01T12:00",
                "America/New_York",
                (
                    "Sunday, 1 November 2026, 7:00 am – 8:00 am, New York time (UTC−5)\n"
                    "At Ada's Salon: Sunday, 1 November 2026, 1:00 pm, Berlin time (UTC+1)\n"
                ),
            ),
            (
                "2026-10-24T21:30",
                "Europe/Berlin",
                "Saturday, 24 October 2026, 11:30 pm – Sunday, 25 October 2026, 12:30 am\n",
            ),
            ("2026-10-24T12:00", "Europe/Paris", "2:00 pm – 3:00 pm, Paris time (UTC+2)\n"),
            ("2026-10-24T12:00", "", "Saturday, 24 October 2026, 2:00 pm – 3:00 pm\n"),
            ("2026-10-24T12:00", "No/Where", "Saturday, 24 October 2026, 2:00 pm – 3:00 pm\n"),
        ],
    )
    def test_are_those_of_the_reader_s_clock(self, start: str, zone: str, when: str) -> None:
        said = text(written(starts_at=utc(start), zone=zone))
        assert when in said

    @pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
    @pytest.mark.parametrize("day", ["2026-03-07", "2026-03-28", "2026-10-24", "2026-10-31"])
    def test_in_calendars_are_the_same_instants(self, zone: str, day: str) -> None:
        for n in range(0, 3 * 96, 5):
            start = utc(day) + timedelta(minutes=15 * n)
            event = the_event(written(starts_at=start, timezone=zone, duration=45))
            assert event["DTSTART"].dt.astimezone(UTC) == start
            assert event["DTEND"].dt.astimezone(UTC) == start + timedelta(minutes=45)

    def test_in_calendars_are_named_with_their_zone(self) -> None:
        (calendar, _) = calendars(written())
        assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Berlin"]
        assert b"DTSTART;TZID=Europe/Berlin:20261024T140000" in calendar.to_ical()
        calendar.timezones[0].to_tz()  # it can be read

    def test_a_range_does_not_break_at_its_dash(self) -> None:
        for language, times in (("en", "2:00\u00a0pm\u00a0–\u00a03:00\u00a0pm"), ("ru", "14:00–15:00")):
            message = written(language=language)
            assert times in part(message, "plain")
            assert f'<span style="white-space: nowrap;">{times}</span>' in part(message, "html")

    def test_russian_is_declined(self) -> None:
        said = text(written(NoticeKind.MOVED, "ru", duration=75, price=123400, currency="RUB", zone="Asia/Omsk"))
        assert "суббота, 24 октября 2026 г., 18:00–19:15, Омск (UTC+6)" in said
        assert "Длительность: 1 час 15 минут" in said
        assert "Стоимость: 1 234,00 ₽" in said
        assert "Отменить запись можно до 18:00 23 октября." in said

    @pytest.mark.parametrize(
        ("price", "currency", "told"),
        [
            (4500, "EUR", "€45.00"),
            (4500, "JPY", "JP¥4,500"),
            (4500, "KWD", "KWD 4.500"),
            (5, "USD", "US$0.05"),
            (250_000, "HUF", "HUF 2,500.00"),
            (250_000, "IQD", "IQD 250.000"),
            (250_000, "CLF", "CLF 25.0000"),
            (4500, "HRK", "HRK 45.00"),  # listed no more
        ],
    )
    def test_money_is_in_the_currency_s_units(self, price: int, currency: str, told: str) -> None:
        assert f"Price: {told}\n" in text(written(price=price, currency=currency))
        assert "Price" not in text(written(price=0))

    @pytest.mark.parametrize(
        ("hours", "late_fee", "told"),
        [
            (24, None, "You can cancel until 23 October, 2:00 pm."),
            (
                24,
                500,
                "You can cancel free of charge until 23 October, 2:00 pm. After that it costs €5.00.",
            ),
            (0, None, "You can cancel at any time before it starts."),
            (24, 0, "You can cancel at any time before it starts."),
            (None, None, "Online cancellation has closed. Please contact Ada's Salon."),
            (None, 500, "If you cancel now, you will be charged €5.00."),
        ],
    )
    def test_it_says_until_when_to_cancel(self, hours: int | None, late_fee: int | None, told: str) -> None:
        until = None if hours is None else a_visit().starts_at - timedelta(hours=hours)
        assert told in text(written(cancel_until=until, late_fee=late_fee))


OLD = FormerPlace(a_visit().starts_at - timedelta(days=1), "Ada's Salon")
FROM_TO = "from Friday, 23 October 2026, 2:00 pm to Saturday, 24 October 2026, 2:00 pm"
ELSEWHERE = FormerPlace(a_visit().starts_at, "Grace")


class TestWhatHappened:
    """Who did it, and what was before."""

    @pytest.mark.parametrize(
        ("by", "language", "told"),
        [
            ("customer", "en", "You cancelled this appointment."),
            ("staff", "en", "Ada's Salon has cancelled this appointment. We are sorry."),
            ("system", "en", "This appointment has been cancelled."),
            ("", "en", "This appointment has been cancelled."),
            ("customer", "ru", "Вы отменили запись."),
            ("staff", "ru", "Ada's Salon: запись отменена. Приносим извинения."),
        ],
    )
    def test_it_says_who_cancelled(self, by: str, language: str, told: str) -> None:
        notice = a_notice(NoticeKind.CANCELLED, facts={"by": by})
        assert text(LETTERS.message(letter(notice, a_recipient(language)))).split("\n")[2] == told

    @pytest.mark.parametrize(
        ("former", "by", "told"),
        [
            (OLD, "customer", f"You moved your appointment {FROM_TO}."),
            (OLD, "staff", f"Ada's Salon has moved your appointment {FROM_TO}."),
            (ELSEWHERE, "staff", "Your appointment is now with Ada's Salon instead of Grace. The time is the same."),
        ],
    )
    def test_a_move_names_old_and_new(self, former: FormerPlace, by: str, told: str) -> None:
        notice = a_notice(NoticeKind.MOVED, facts={"by": by}, former=former)
        assert text(LETTERS.message(letter(notice, a_recipient()))).split("\n")[2] == told

    @pytest.mark.parametrize(
        ("why", "told"), [("gone", "answered 410 Gone"), ("failing", "could not deliver to this webhook for 24 hours")]
    )
    def test_a_paused_webhook_is_told_the_true_reason(self, why: str, told: str) -> None:
        facts = {"url": "https://hooks.example.org", "why": why}
        notice = replace(a_notice(NoticeKind.WEBHOOK_DISABLED), facts=facts)
        assert told in text(LETTERS.message(letter(notice, a_recipient())))

    @pytest.mark.parametrize(
        ("cancel", "move", "button"),
        [
            (True, True, "Change or cancel"),
            (True, False, "Cancel"),
            (False, True, "Change the time"),
            (False, False, "View appointment"),
        ],
    )
    def test_the_button_offers_what_is_possible(self, cancel: bool, move: bool, button: str) -> None:
        visit = {"may_move": move} | ({} if cancel else {"cancel_until": None})
        for kind in (NoticeKind.BOOKED, NoticeKind.MOVED, NoticeKind.REMINDER):
            message = written(kind, **visit)
            assert f"\n{button}: https://" in text(message)
            assert f">{button}</a>" in part(message, "html")


class TestCalendar:
    def test_a_life_has_one_uid_and_a_rising_sequence(self) -> None:
        moved = a_visit().starts_at + timedelta(days=1)
        life = [
            the_event(written(NoticeKind.BOOKED)),
            the_event(written(NoticeKind.MOVED, sequence=1, starts_at=moved)),
            the_event(written(NoticeKind.CANCELLED, sequence=3, starts_at=moved)),
        ]
        assert {event["UID"] for event in life} == {f"{a_notice().about}@daybook.test"}
        assert [event["SEQUENCE"] for event in life] == [0, 1, 3]
        assert [event["DTSTART"].dt.day for event in life] == [24, 25, 25]

    def test_it_names_who_takes_part_and_nothing_private_of_the_provider(self) -> None:
        event = the_event(written())
        assert event["ORGANIZER"] == "mailto:no-reply@daybook.test"
        assert event["ORGANIZER"].params["CN"] == "Ada's Salon"
        assert event["ATTENDEE"] == "mailto:bea@example.org"
        assert (event["SUMMARY"], event["LOCATION"]) == ("Haircut – Ada's Salon", "Torstraße 1, 10119 Berlin")
        assert event["URL"] == f"https://daybook.test/appointments/{a_notice().about}"

    def test_a_move_of_the_installation_leaves_the_ids_of_entries(self) -> None:
        for address in ("https://daybook.test", "https://elsewhere.example"):
            channel = EmailChannel(LETTERS, Nobody(), Links(address, b"key"), "first.example")
            mail = channel.message(a_notice(), a_recipient())
            assert mail.invite is not None
            (event,) = Calendar.from_ical(mail.invite.text).events
            assert event["UID"] == f"{a_notice().about}@first.example"

    def test_it_says_until_when_to_cancel_and_where(self) -> None:
        event, link = the_event(written()), f"https://daybook.test/appointments/{a_notice().about}"
        assert event["DESCRIPTION"].replace("\u00a0", " ") == f"You can cancel until 23 October, 2:00 pm.\n{link}"
        assert the_event(written(NoticeKind.CANCELLED))["DESCRIPTION"] == link

    def test_the_library_says_nothing_of_itself(self) -> None:
        (calendar, _) = calendars(written())
        assert b"COMMENT" not in calendar.to_ical()

    def test_sent_again_it_is_the_same(self) -> None:
        first, second = written(), written()
        (one, _), (other, _) = calendars(first), calendars(second)
        assert one.to_ical() == other.to_ical()
        assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", [NoticeKind.CANCELLED, NoticeKind.APPROVE, NoticeKind.BOOKED])
def test_hostile_names_do_no_harm(kind: NoticeKind, name: str, language: str) -> None:
    visit = a_visit(service=name, provider=name, address=name)
    notice = a_notice(kind, visit, facts={"reason": name, "customer": name})
    raw = LETTERS.message(letter(notice, a_recipient(language, name=name))).as_bytes()
    message = message_from_bytes(raw, EmailMessage, policy=default)
    assert set(message.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Daybook-Kind"),
        *("X-Auto-Response-Suppress", "MIME-Version"),
        *("Content-Type", "Content-Language"),
    }
    assert message["To"] == "bea@example.org"
    html, said = part(message, "html"), text(message)
    assert "<script" not in html
    assert not set("\u202e\u2066\u2028\x00\x1b") & set(html + said + message["Subject"])
    for calendar in calendars(message):
        (event,) = calendar.events
        assert isinstance(event["ATTENDEE"], str)  # there is one
        assert event["ATTENDEE"] == "mailto:bea@example.org"
        assert set(event.keys()) == {
            *("UID", "SEQUENCE", "STATUS", "DTSTART", "DTEND", "DTSTAMP", "LAST-MODIFIED", "SUMMARY"),
            *("LOCATION", "URL", "ORGANIZER", "ATTENDEE", "TRANSP", "DESCRIPTION"),
        }
        assert set(event["ATTENDEE"].params) - {"CN"} == {"ROLE", "PARTSTAT", "RSVP"}
        assert not event.subcomponents
        assert event["LOCATION"] == line(name)


@pytest.mark.parametrize("email", [None, "", "bea", "a@b\r\nBcc: c@d", "a@b, c@d", "@b", "a@"])
def test_who_has_no_address_is_not_reached(email: str | None) -> None:
    assert not EmailChannel(LETTERS, None, LINKS).reaches(a_recipient(email=email))


def test_a_language_dropped_in_works(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    shutil.copytree(TEMPLATES, folder)
    shutil.copytree(folder / "en", folder / "fr")
    (folder / "fr" / "booked.jinja").write_text(
        "{% block subject %}Réservé : {{ day }}{% endblock %}", encoding="utf-8"
    )
    words = (folder / "fr" / "words.jinja").read_text(encoding="utf-8").replace('"Duration"', '"Durée"')
    (folder / "fr" / "words.jinja").write_text(words, encoding="utf-8")
    letters = MessageBuilder("https://daybook.test", "no-reply@daybook.test", folder)
    message = letters.message(letter(a_notice(), a_recipient("fr-CA"), letters))
    assert message["Content-Language"] == "fr"
    assert message["Subject"] == "Réservé : sam. 24 oct."
    assert "When: samedi 24 octobre 2026, 14 h 00 – 15 h 00\nDurée: 1 heure\n" in text(message)


@pytest.mark.parametrize(
    ("tag", "language", "locale"),
    [
        ("", "en", "en_001"),
        ("en", "en", "en_001"),
        ("en-GB", "en", "en_GB"),
        ("en-US", "en", "en_US"),
        ("ru-RU", "ru", "ru_RU"),
        ("de", "en", "en_001"),
        ("../../x", "en", "en_001"),
        ("ru-XX-nonsense", "ru", "ru"),
        ("tlh", "tlh", "en_001"),
    ],
)
def test_dates_are_written_as_in_the_reader_s_country(tag: str, language: str, locale: str) -> None:
    assert str(locale_of(tag, language)) == locale


def test_the_gallery_shows_every_kind(tmp_path: Path) -> None:
    write(tmp_path)
    kinds = {*NoticeKind, *(file.stem for file in (TEMPLATES / "en").glob("*.jinja"))} - {"words"}
    assert {f"{language}-{kind}" for language in LANGUAGES for kind in kinds} <= {
        file.stem for file in tmp_path.iterdir()
    }


class ToServer:
    """Mail straight to a server."""

    def __init__(self, place: str) -> None:
        self._sender = SmtpSender(f"smtp://{place}")

    async def send(self, letter: Any, confirm: Any) -> None:
        await self._sender.send(LETTERS.message(letter), confirm)


@pytest.mark.parametrize(("code", "raised"), [(550, PermanentFailure), (450, SMTPRecipientsRefused)])
async def test_an_address_that_is_none_is_not_tried_again(code: int, raised: type[Exception], smtp) -> None:  # noqa: F811
    place, inbox = smtp()

    async def refuse(*_: Any) -> str:
        return f"{code} bea@example.org is unknown here"

    inbox.handle_RCPT = refuse
    channel = EmailChannel(LETTERS, ToServer(place), LINKS)
    with pytest.raises(raised) as why:
        await channel.send(a_notice(), a_recipient(), anyway)
    assert raised is not PermanentFailure or "bea" not in str(why.value)
    assert inbox.taken == []


async def test_a_server_gets_a_life_as_its_calendar_needs_it(smtp) -> None:  # noqa: F811
    from application.booking.appointment import (
        CancelAppointment,
        RescheduleAppointment,
        cancel_appointment,
        reschedule_appointment,
    )
    from tests.application.conftest import Clocked
    from tests.application.notifications.test_notice import Held, an_account
    from tests.support.builders import a_booked_appointment, an_open_week

    place, inbox = smtp()
    store = Clocked()
    channel = EmailChannel(LETTERS, ToServer(place), LINKS)
    means = NoticeServices(store, channels=[channel])
    week, me = await an_open_week(store), await an_account(store)

    async def tell(slot: str, appointment: Any) -> str:
        said = {"starts_at": appointment.starts_at.isoformat()}
        job = Job(new_id(), "notify", appointment.id, slot, store.now(), said, "", 0)
        return await notify(job, Held(), means)

    booked = await a_booked_appointment(store, week, by=me)
    assert await tell("booked", booked) == "done"
    moving = RescheduleAppointment(by=me, appointment_id=booked.id, start=week.at("10:00"))
    moved = (await reschedule_appointment(moving, store)).aggregate
    assert await tell("booked", booked) == "moved"
    assert await tell("moved", moved) == "done"
    cancelling = CancelAppointment(by=me, appointment_id=booked.id)
    await cancel_appointment(cancelling, store)
    assert await tell("moved", moved) == "gone"
    assert await tell("cancelled", moved) == "done"

    mails = [message_from_bytes(each.content, EmailMessage, policy=default) for each in inbox.taken]
    events = [the_event(mail) for mail in mails]
    assert [event["DTSTART"].dt for event in events] == [week.at("09:00"), week.at("10:00"), week.at("10:00")]
    assert {event["UID"] for event in events} == {f"{booked.id}@daybook.test"}
    assert [event["SEQUENCE"] for event in events] == [0, 1, 2]
    assert [calendars(mail)[0]["METHOD"] for mail in mails] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [mail["Subject"].split(":")[0] for mail in mails] == [
        "Вы записаны",
        "Запись перенесена",
        "Запись отменена",
    ]
    assert [envelope.rcpt_tos for envelope in inbox.taken] == [[f"{me.id}@example.org"]] * 3
