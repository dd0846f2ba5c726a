"""Letters: every kind in every language, and nothing that a name or an address smuggles in."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from application.notifications.mail import MailMessage
from application.notifications.notice import NoticeKind
from domain.kernel import new_id
from infrastructure.mail.message_builder import TEMPLATES, MessageBuilder

LETTERS = MessageBuilder("https://daybook.test/", "Daybook <no-reply@daybook.test>")
SAID = {
    "name": "Ada & Co",
    "token": "t" * 43,
    "due": "2030-01-31 09:00 UTC",
    "left": "7 of ten",
    "expires": "2030-04-24 09:00 UTC",
    "asked": "2030-01-24 09:00 UTC",
    "network": "192.0.2.7",
}
EVERY = {file.stem for file in (TEMPLATES / "en").glob("*.txt")}
KINDS = sorted(EVERY - {*NoticeKind})  # notices say more: see test_noticemail.py
LANGUAGES = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())


def letter(kind: str = "reset", to: str = "ada@example.org", language: str = "en", **said: str) -> MailMessage:
    return MailMessage(new_id(), kind, to, language, SAID | said)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_every_language_has_every_kind_as_text_and_html() -> None:
    assert LANGUAGES == ["en", "ru"]
    expected = {f"{kind}.{suffix}" for kind in EVERY for suffix in ("txt", "html")} | {"words.jinja"}
    for language in LANGUAGES:
        assert {file.name for file in (TEMPLATES / language).iterdir()} == expected
    wanted = "verify already-registered new-address address-changed invited reset password-changed"
    assert {*wanted.split(), "forgetting-asked", "forgotten", *NoticeKind} <= EVERY


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_say_the_same(kind: str, language: str) -> None:
    message = LETTERS.message(letter(kind, language=language))
    text, html = part(message, "plain"), part(message, "html")
    assert message["Subject"]
    assert message["Content-Language"] == language
    told = (TEMPLATES / language / f"{kind}.txt").read_text()
    for name, value in SAID.items():
        assert (value in text) is (f"{{{{ {name} }}}}" in told)
        assert (value in html) is (value in text) or name == "name"
    assert ("https://daybook.test/" in html) is ("https://daybook.test/" in text)
    assert "Ada & Co" not in html


@pytest.mark.parametrize("language", ["", "fr", "en-GB", "../en", "EN", "x" * 99, "no/pe"])
def test_a_language_without_templates_falls_back_to_english(language: str) -> None:
    assert LETTERS.message(letter(language=language))["Subject"] == "Set a new password"


def test_a_dialect_is_its_language() -> None:
    assert LETTERS.message(letter(language="ru-RU"))["Subject"] == "Задайте новый пароль"


def test_markup_in_a_name_is_text_in_html() -> None:
    html = part(LETTERS.message(letter(name="<b onclick=x>Ada</b>")), "html")
    assert "<b " not in html
    assert "&lt;b onclick=x&gt;Ada&lt;/b&gt;" in html


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
        LETTERS.message(MailMessage(new_id(), "reset", "ada@example.org", "en", {"name": "Ada"}))


def test_templates_lie_beside_the_code() -> None:
    assert Path(TEMPLATES).is_dir()
