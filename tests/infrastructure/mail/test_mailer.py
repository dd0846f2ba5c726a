"""Mail leaves by SMTP, to a real server, or goes into a folder; what somebody was sent is kept for them."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from application.jobs.job import LeaseLost
from application.notifications.links import TOKEN
from application.notifications.mail import MailMessage
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.mail.mailer import (
    MailboxSender,
    MailService,
    NoSender,
    NowhereSender,
    SentMails,
    SmtpSender,
    sender_of,
)
from infrastructure.mail.message_builder import MessageBuilder
from tests.infrastructure.conftest import Open
from tests.infrastructure.mail import gallery
from tests.support.no_mailer import anyway
from tests.support.waiting import PATIENCE

SUBJECT = "У вас уже есть учётная запись"  # noqa: RUF001  it is Russian
SENT = datetime(2030, 1, 24, 9, tzinfo=UTC)
LETTERS = MessageBuilder("https://daybook.test", "Daybook <no-reply@daybook.test>")


def letter(to: str = "ada@example.org", **more: Any) -> MailMessage:
    said = {"id": new_id(), "kind": "already-registered", "language": "ru", "said": {"name": "Ада"}, "at": SENT} | more
    return MailMessage(to=to, **said)


@dataclass
class Inbox:
    """What a server took; `answers`: what it says to each message, in turn, then OK."""

    taken: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.taken.append(envelope)
        return answer


def only_ada(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ada@x", b"p:w/d")
    return AuthResult(success=good, handled=False)


@pytest.fixture
def smtp() -> Iterator[Callable[..., tuple[str, Inbox]]]:
    """Starts SMTP servers; answers host and port, and the inbox."""
    started: list[Controller] = []

    def start(inbox: Inbox | None = None, **options: Any) -> tuple[str, Inbox]:
        inbox = inbox or Inbox()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        controller = Controller(inbox, hostname="127.0.0.1", port=port, **options)
        controller.start()
        started.append(controller)
        return f"127.0.0.1:{port}", inbox

    yield start
    for controller in started:
        controller.stop()


class TestSmtp:
    async def test_it_asks_once_more_when_the_server_waits_for_the_text(self, smtp) -> None:
        place, inbox = smtp()
        recipients: list[str] = []

        async def handle_RCPT(server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
            recipients.append(address)
            envelope.rcpt_tos.append(address)
            return "250 OK"

        inbox.handle_RCPT = handle_RCPT

        async def no_longer() -> None:
            assert recipients == ["ada@example.org"]
            raise LeaseLost

        with pytest.raises(LeaseLost):
            await SmtpSender(f"smtp://{place}").send(LETTERS.message(letter()), no_longer)
        assert inbox.taken == []

    async def test_the_server_gets_the_mail_as_it_was_written(self, smtp) -> None:
        place, inbox = smtp()
        await SmtpSender(f"smtp://{place}").send(LETTERS.message(letter()), anyway)
        (envelope,) = inbox.taken
        assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@daybook.test", ["ada@example.org"])
        message = message_from_bytes(envelope.content, policy=default)
        assert message["Subject"] == SUBJECT
        assert "Здравствуйте, Ада!" in message.get_body(("plain",)).get_content()

    @pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
    async def test_user_and_password_of_the_url_are_given(self, smtp) -> None:
        place, inbox = smtp(authenticator=only_ada, auth_required=True, auth_require_tls=False)
        await SmtpSender(f"smtp://ada%40x:p%3Aw%2Fd@{place}").send(LETTERS.message(letter()), anyway)
        assert len(inbox.taken) == 1
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await SmtpSender(f"smtp://ada%40x:wrong@{place}").send(LETTERS.message(letter()), anyway)

    async def test_where_tls_must_be_nothing_is_sent_without(self, smtp) -> None:
        place, inbox = smtp()
        with pytest.raises(aiosmtplib.SMTPException):
            await SmtpSender(f"smtp://{place}?starttls").send(LETTERS.message(letter()), anyway)
        assert inbox.taken == []

    async def test_a_refusal_is_raised_with_its_code(self, smtp) -> None:
        place, inbox = smtp()
        inbox.answers = ["451 later"]
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await SmtpSender(f"smtp://{place}").send(LETTERS.message(letter()), anyway)
        assert refused.value.code == 451

    @pytest.mark.parametrize("url", ["", "localhost:25", "http://localhost", "smtp://", "smtp:///x"])
    def test_what_is_no_address_of_a_server_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="SMTP_URL"):
            SmtpSender(url)


def _contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.glob("*.eml")]


class TestMailbox:
    async def test_a_mail_is_one_file_however_often_it_is_sent(self, tmp_path: Path) -> None:
        folder = tmp_path / "a" / "mailbox"
        again = letter()
        for each in (again, letter(), again):
            await MailboxSender(folder).send(LETTERS.message(each), anyway)
        files = list(folder.iterdir())
        assert {file.suffix for file in files} == {".eml"}
        assert len(files) == 2
        assert folder.stat().st_mode & 0o077 == 0

    async def test_whoever_looks_sees_whole_mails_only(self, tmp_path: Path) -> None:
        message = LETTERS.message(letter())
        sender = MailboxSender(tmp_path)
        whole = message.as_bytes()
        done = asyncio.gather(*(sender.send(message, anyway) for _ in range(50)))
        while not done.done():
            assert all(kept == whole for kept in await asyncio.to_thread(_contents, tmp_path))
        await done


async def test_where_nothing_is_set_mail_waits() -> None:
    with pytest.raises(NoSender):
        await NowhereSender().send(LETTERS.message(letter()), anyway)


def test_smtp_goes_before_the_folder(tmp_path: Path) -> None:
    assert isinstance(sender_of("smtp://localhost", tmp_path), SmtpSender)
    assert isinstance(sender_of(None, tmp_path), MailboxSender)
    assert isinstance(sender_of(None, None), NowhereSender)


async def test_what_somebody_was_sent_is_kept_sealed_with_their_key(database, open_store: Open, tmp_path: Path) -> None:
    store = await open_store(database.application)
    ada = new_id()
    async with RowPool(database.application, patience=PATIENCE) as rows:
        postman = MailService(LETTERS, MailboxSender(tmp_path), rows, store.keyring)
        sent = letter(account_id=ada)
        for each in (sent, sent, letter("stranger@example.org")):
            await postman.send(each, anyway)
        ((id, account_id, kind, said),) = await rows.all("SELECT id, account_id, kind, said FROM auth.mail")
    assert (id, account_id, kind) == (sent.id, ada, "already-registered")
    assert b"example" not in bytes(said)
    told = await store.keyring.decrypt(ada, bytes(said), id.bytes)
    assert told["to"] == "ada@example.org"
    assert told["subject"] == SUBJECT
    assert "Ада" in told["text"]


async def test_the_stored_copy_of_a_mail_holds_neither_its_code_nor_its_link(
    database, open_store: Open, tmp_path: Path
):
    """Else reading the copy would replace access to the mailbox."""
    store = await open_store(database.application)
    code, notice = "c" * 43, gallery.letter(gallery.a_notice(), gallery.a_recipient())
    secrets = [code, TOKEN.findall(notice.said["link"])[0]]
    async with RowPool(database.application, patience=PATIENCE) as rows:
        postman = MailService(LETTERS, MailboxSender(tmp_path), rows, store.keyring)
        asked = {"name": "Ada", "token": code, "network": ""}
        times: Any = {"at": SENT, "moments": {"asked": SENT}}
        await postman.send(
            MailMessage(new_id(), "reset", "ada@example.org", "en", asked, notice.account_id, **times), anyway
        )
        await postman.send(notice, anyway)
        assert notice.account_id is not None
        copies = [each["text"] for each in await SentMails(rows, store.keyring).of(notice.account_id)]
    sent = b"".join(await asyncio.to_thread(_contents, tmp_path)).decode().replace("=\r\n", "").replace("=3D", "=")
    for secret in secrets:
        assert secret in sent
        assert not [each for each in copies if secret in each]
    assert all("https://daybook.test/" in each for each in copies)
