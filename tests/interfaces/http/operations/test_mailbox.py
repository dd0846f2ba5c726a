"""The mailbox of DEV: a page for people, which runs nothing that strangers wrote."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from application.notifications.mail import MailMessage
from infrastructure.mail.mailer import MailboxSender
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.settings import Settings
from interfaces.http.app import AppOptions, build
from interfaces.http.main import create_app
from interfaces.http.openapi import describe
from tests.support.no_mailer import anyway

LETTERS = MessageBuilder("https://daybook.test", "no-reply@daybook.test")


async def put(folder: Path, name: str, number: int = 1, to: str = "ada@example.org") -> str:
    """A mail to `name`, the later ones with the higher numbers; answers its file's name."""
    id = UUID(int=number)
    letter = MailMessage(id, "already-registered", to, "en", {"name": name}, at=datetime(2030, 1, 24, 9, tzinfo=UTC))
    await MailboxSender(folder).send(LETTERS.message(letter), anyway)
    return str(id)


def client(mailbox: Path | None) -> httpx.AsyncClient:
    app = build(options=AppOptions(mailbox=mailbox))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://daybook.test")


async def test_the_newest_comes_first_and_each_is_shown(tmp_path: Path) -> None:
    async with client(tmp_path) as web:
        assert "No mail yet." in (await web.get("/dev/mailbox")).text
        first, second = await put(tmp_path, "Ada"), await put(tmp_path, "Bea", 2)
        page = (await web.get("/dev/mailbox")).text
        assert page.index(second) < page.index(first)
        assert "Hi Bea," in (await web.get(f"/dev/mailbox/{second}")).text


async def test_a_list_is_filtered_by_address(tmp_path: Path) -> None:
    one, other = await put(tmp_path, "Ada"), await put(tmp_path, "Bea", 2, to="bea@example.org")
    async with client(tmp_path) as web:
        page = (await web.get("/dev/mailbox?to=BEA@")).text
        nobody = (await web.get("/dev/mailbox", params={"to": '"><script>'})).text
    assert other in page
    assert one not in page
    assert "No mail yet." in nobody
    assert "<script>" not in nobody


async def test_a_page_shows_time_kind_headers_and_links(tmp_path: Path) -> None:
    name = await put(tmp_path, "Ada https://daybook.test/x")
    async with client(tmp_path) as web:
        page = (await web.get(f"/dev/mailbox/{name}")).text
    assert "already-registered" in page
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page)
    assert "Auto-Submitted" in page
    assert '<a href="https://daybook.test/x"' in page
    assert '<meta name="viewport"' in page
    assert "color-scheme: light dark" in page


async def test_the_html_of_a_mail_is_shown_in_a_frame_that_runs_nothing(tmp_path: Path) -> None:
    name = await put(tmp_path, "Ada")
    async with client(tmp_path) as web:
        page, frame = await web.get(f"/dev/mailbox/{name}"), await web.get(f"/dev/mailbox/{name}/html")
    assert f'src="/dev/mailbox/{name}/html"' in page.text
    assert re.search(r'sandbox="allow-popups allow-popups-to-escape-sandbox"', page.text)
    policy = frame.headers["content-security-policy"]
    assert frame.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "frame-ancestors 'self'" in policy


async def test_an_invitation_and_the_source_can_be_downloaded(tmp_path: Path) -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = "ada@example.org", "Booked"
    message.set_content("Booked.")
    message.add_attachment(b"BEGIN:VCALENDAR", maintype="application", subtype="ics", filename='"; evil.ics')
    name = str(UUID(int=7))
    (tmp_path / f"{name}.eml").write_bytes(message.as_bytes())
    async with client(tmp_path) as web:
        file = await web.get(f"/dev/mailbox/{name}/files/0")
        source = await web.get(f"/dev/mailbox/{name}/source")
        missing = await web.get(f"/dev/mailbox/{name}/files/1")
    assert (file.content, file.headers["content-type"]) == (b"BEGIN:VCALENDAR", "text/calendar")
    assert file.headers["content-disposition"] == 'attachment; filename="invite.ics"'
    assert source.content == message.as_bytes()
    assert source.headers["content-disposition"].startswith("attachment; ")
    assert missing.status_code == 404


async def test_what_strangers_wrote_is_text_and_nothing_else(tmp_path: Path) -> None:
    name = await put(tmp_path, "<script>alert(1)</script>")
    async with client(tmp_path) as web:
        answer = await web.get(f"/dev/mailbox/{name}")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "x", ".hidden", "0" * 36])
async def test_nothing_else_is_found(tmp_path: Path, name: str) -> None:
    async with client(tmp_path) as web:
        assert (await web.get(f"/dev/mailbox/{name}")).status_code == 404


async def test_without_a_mailbox_there_is_no_page() -> None:
    async with client(None) as web:
        assert (await web.get("/dev/mailbox")).status_code == 404


def test_it_is_there_in_dev_alone_and_never_in_the_description(tmp_path: Path) -> None:
    def paths(**said: str) -> set[str]:
        key = "k" * 40
        keys = {"secret_key": key, "master_key": key}
        return {route.path for route in create_app(Settings(mailbox=tmp_path, **keys, **said)).routes}  # type: ignore[attr-defined,arg-type]

    assert "/dev/mailbox" in paths(mode="DEV")
    assert "/dev/mailbox" not in paths(mode="PROD")
    assert "/dev/mailbox" not in paths(mode="DEV", smtp_url="smtp://localhost")
    assert not [path for path in describe(build(options=AppOptions(mailbox=tmp_path)))["paths"] if "mailbox" in path]
