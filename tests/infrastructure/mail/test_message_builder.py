"""Letters: every kind in every language, and nothing that a name or an address smuggles in."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import escape, unescape
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from application.notifications.links import CODE_PATHS
from application.notifications.mail import AgendaLine, MailMessage
from application.notifications.notice import NoticeKind
from domain.kernel import new_id
from infrastructure.mail.message_builder import TEMPLATES, MessageBuilder

LETTERS = MessageBuilder("https://daybook.test/", "Daybook <no-reply@daybook.test>")
SENT = datetime(2030, 1, 24, 9, tzinfo=UTC)
MOMENTS = {name: datetime(2030, 1, 31, 9, tzinfo=UTC) for name in ("due", "expires", "asked")}
SAID = {
    "name": "Ada & Co",
    "organization": "Salon Lovelace",
    "left": "7 of ten",
    "network": "192.0.2.7",
    "masked": "a***@example.org",
}
UNSHOWN = {"rank": "staff", "link": "https://daybook.test/invitations/1?t=1"}
"""What a mail is made of, and does not show as it is."""
EVERY = {file.stem for file in (TEMPLATES / "en").glob("*.jinja")} - {"words"}
KINDS = sorted(EVERY - {*NoticeKind, "agenda"})  # notices say more: see test_noticemail.py
LANGUAGES = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())


def letter(kind: str = "reset", to: str = "ada@example.org", language: str = "en", **said: str) -> MailMessage:
    code = {"token": "t" * 43} if kind in CODE_PATHS else {}
    return MailMessage(
        new_id(),
        kind,
        to,
        language,
        UNSHOWN | SAID | code | said,
        at=SENT,
        moments=MOMENTS,
        timezone="Asia/Omsk",
    )


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_every_language_has_every_kind() -> None:
    assert LANGUAGES == ["en", "ru"]
    for language in LANGUAGES:
        assert {file.name for file in (TEMPLATES / language).iterdir()} == {
            f"{kind}.jinja" for kind in {*EVERY, "words"}
        }
    wanted = "verify already-registered new-address address-changed invited account-ready reset password-changed"
    assert {*wanted.split(), "forgetting-asked", "forgotten", *NoticeKind} <= EVERY


def test_every_language_has_the_same_words() -> None:
    english, russian = (LETTERS.words(language) for language in LANGUAGES)
    assert english.keys() == russian.keys()
    for name, words in english.items():
        if isinstance(words, dict):
            assert words.keys() == russian[name].keys()
            assert {key: _values(each) for key, each in words.items()} == {
                key: _values(each) for key, each in russian[name].items()
            } or name == "cancelling"
        else:
            assert _values(words) == _values(russian[name])


def _values(sentence: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", sentence)) - {"provider"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_say_the_same(kind: str, language: str) -> None:
    message = LETTERS.message(letter(kind, language=language))
    text, html = part(message, "plain").replace("\r\n", "\n"), part(message, "html")
    assert message["Subject"]
    assert message["Content-Language"] == language
    told = (TEMPLATES / language / f"{kind}.jinja").read_text(encoding="utf-8")
    for name, value in SAID.items():
        if name != "name":
            assert (value in text) is (f"{{{{ {name} }}}}" in told)
    assert words_of(html) == words(text)
    assert "Ada & Co" not in html


def words_of(html: str) -> list[str]:
    """What a reader sees of a page, link targets beside their words, as the text has them."""
    main = html.partition("<main")[2].partition(">")[2]
    h1 = re.search(r"<h1.*?</h1>", main, re.DOTALL)
    assert h1 is not None
    shown = main.replace(h1[0], "")
    shown = re.sub(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', r"\2: \1", shown)
    return words(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?bdi>", "", shown))))


def words(text: str) -> list[str]:
    """The words, without the marks that stand for the columns of a table."""
    return [word.rstrip(":,") for word in text.split()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_account_mails_look_like_notices(kind: str, language: str) -> None:
    html = part(LETTERS.message(letter(kind, language=language)), "html")
    message = LETTERS.message(letter(kind, language=language))
    assert f"<title>{escape(message['Subject'])}</title>" in html
    assert "<h1" in html
    assert ('class="button"' in html) is (kind in {*CODE_PATHS, "invitation"})
    assert "daybook.test" in html.partition("<footer")[2]
    assert not re.search(r"\d{4}-\d{2}-\d{2}", part(message, "plain")), "dates are those of the language"


def test_an_agenda_lists_the_day() -> None:
    at = datetime(2030, 1, 31, 9, tzinfo=UTC)
    lines = [AgendaLine(at, at + timedelta(minutes=30), "Haircut", "<Bea>", "Ada")]
    mail = replace(letter("agenda", count="1"), agenda=lines)
    message = LETTERS.message(mail)
    assert message["Subject"] == "Your day: Thu 31 Jan, appointments: 1"
    assert "3:00 pm \u2013 3:30 pm: Haircut · <Bea> · Ada\n" in part(message, "plain").replace("\u00a0", " ")
    assert "<bdi>Haircut</bdi> · <bdi>&lt;Bea&gt;</bdi> · <bdi>Ada</bdi>" in part(message, "html")


def test_moments_are_those_of_the_recipient_s_clock() -> None:
    text = part(LETTERS.message(letter("forgetting-asked")), "plain").replace("\u00a0", " ")
    assert "On 31 January 2030, 3:00 pm (UTC+6) your personal data" in text
    text = part(LETTERS.message(letter("forgetting-asked", language="ru")), "plain").replace("\u00a0", " ")
    assert "будут удалены навсегда: 15:00 31 января 2030 (UTC+6)." in text


@pytest.mark.parametrize("kind", KINDS)
def test_no_mail_reverses_the_direction_of_text(kind: str) -> None:
    message = LETTERS.message(letter(kind, name="q\u202egnp.exe\u2066", network="\u202e192", left="\u202e7"))
    assert not set("\u202e\u2066") & set(part(message, "plain") + part(message, "html") + message["Subject"])


def test_a_date_is_the_same_in_a_second_copy() -> None:
    again = letter()
    first, second = LETTERS.message(again), LETTERS.message(again)
    assert first["Date"] == second["Date"] == "Thu, 24 Jan 2030 09:00:00 +0000"
    assert first["Date"].datetime == SENT


def test_mails_name_the_business_that_sends_them_and_where_help_is() -> None:
    named = MessageBuilder(
        "https://daybook.test:8443",
        "no-reply@daybook.test",
        sender_name="Salons Ltd",
        sender_address="1 High Street, Leeds",
        support_url="mailto:help@example.org",
    )
    text = part(named.message(letter("address-changed")), "plain").replace("\r\n", "\n")
    assert "Sent by Salons Ltd, 1 High Street, Leeds.\n" in text
    assert "contact mailto:help@example.org right away" in text
    assert "because you have an account at daybook.test:8443." in text
    unnamed = part(LETTERS.message(letter("address-changed")), "plain")
    assert "Sent by Daybook." in unnamed
    assert "contact the operator of daybook.test right away" in unnamed


def test_a_mail_that_can_be_switched_off_says_so_to_people_and_programs() -> None:
    stop = "https://daybook.test/mails/1?t=x&lang=en"
    message = LETTERS.message(replace(letter(), stop_link=stop))
    assert message["List-Unsubscribe"] == f"<{stop}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"Stop reminders and offers: {stop}" in part(message, "plain")
    assert escape(stop) in part(message, "html")
    assert "List-Unsubscribe" not in LETTERS.message(letter())


@pytest.mark.parametrize("language", ["", "fr", "en-GB", "../en", "EN", "x" * 99, "no/pe"])
def test_a_language_without_templates_falls_back_to_english(language: str) -> None:
    assert LETTERS.message(letter(language=language))["Subject"] == "Set a new password"


def test_a_dialect_is_its_language() -> None:
    assert LETTERS.message(letter(language="ru-RU"))["Subject"] == "Задайте новый пароль"


def test_markup_in_a_name_is_text_in_html() -> None:
    html = part(LETTERS.message(letter(name="<b onclick=x>Ada</b>")), "html")
    assert "<b " not in html
    assert "<bdi>&lt;b onclick=x&gt;Ada&lt;/b&gt;</bdi>" in html


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.org\r\nBcc: all@example.org",
        "ada@example.org\nSubject: x",
        "ada@exam\rple.org",
        "ada@example.org, bea@example.org",
        "ada@example.org bea@example.org",
        "ada",
        "@example.org",
        "",
    ],
)
def test_nobody_adds_a_header_or_a_recipient(to: str) -> None:
    try:
        message = LETTERS.message(letter(to=to))
    except ValueError:
        return
    assert "Bcc" not in message
    assert len(message["To"].addresses) == 1
    raise AssertionError(message["To"])


def test_a_name_adds_no_header() -> None:
    message = LETTERS.message(letter(name="Ada\r\nBcc: all@example.org"))
    headers = message.as_bytes().partition(b"\r\n\r\n")[0]
    assert b"Bcc" not in headers


def test_what_is_sent_again_has_the_same_message_id() -> None:
    again = letter()
    assert LETTERS.message(again)["Message-ID"] == LETTERS.message(again)["Message-ID"]
    assert LETTERS.message(letter())["Message-ID"] != LETTERS.message(again)["Message-ID"]


def test_what_a_template_needs_must_be_said() -> None:
    with pytest.raises(UndefinedError):
        LETTERS.message(MailMessage(new_id(), "recovery-code-used", "ada@example.org", "en", {"name": "Ada"}, at=SENT))


def test_templates_lie_beside_the_code() -> None:
    assert Path(TEMPLATES).is_dir()
