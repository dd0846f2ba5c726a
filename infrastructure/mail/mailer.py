"""Mail: sent by SMTP, or in DEV written to a folder. A copy of each mail to an account is stored for its owner."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog

from application.jobs.job import Confirm, PermanentFailure
from application.notifications.links import TOKEN
from application.notifications.mail import MailMessage
from application.people.email_address import NotDeliverable
from infrastructure.database.row_pool import RowPool
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.privacy.row_encryption import RowEncryption
from infrastructure.settings import Settings

logger = structlog.get_logger(__name__)
HIDDEN = "(the code)"
TIMEOUT = 20.0  # seconds for each step of an exchange
_STORE = "INSERT INTO auth.mail (id, account_id, kind, said) VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"

_HAS = "SELECT 1 FROM auth.mail WHERE id = %s"
_ALL = "SELECT id, kind, at, said FROM auth.mail WHERE account_id = %s ORDER BY at, id"
_LATEST = """
    SELECT id, kind, at, said FROM auth.mail WHERE account_id = %s
    AND (%s::uuid IS NULL OR (at, id) < (SELECT at, id FROM auth.mail WHERE id = %s))
    ORDER BY at DESC, id DESC LIMIT %s"""


class NoSender(Exception):
    """SMTP_URL is not set, so mail cannot be sent."""


class Sender(Protocol):
    """A transport for messages."""

    async def send(self, message: EmailMessage, confirm: Confirm) -> None:
        """Await `confirm` right before the text leaves. Raises the transport's error, and that of `confirm`."""
        ...


class MailService:
    """Writes, sends and stores mails."""

    def __init__(self, messages: MessageBuilder, sender: Sender, rows: RowPool, encryption: RowEncryption) -> None:
        self._messages = messages
        self._sender = sender
        self._rows = rows
        self._encryption = encryption

    async def send(self, mail: MailMessage, confirm: Confirm) -> None:
        """Raises PermanentFailure for an address that mail cannot go to."""
        try:
            message = self._messages.message(mail)
        except NotDeliverable as refused:
            raise PermanentFailure(str(refused)) from None
        await self._sender.send(message, confirm)
        if mail.account_id is not None:
            await self._store(mail, mail.account_id, message)

    async def _store(self, mail: MailMessage, account_id: UUID, message: EmailMessage) -> None:
        text = message.get_body(("plain",))
        assert text is not None
        fields = {"to": mail.to, "subject": str(message["Subject"]), "text": _shown(text, mail)}
        encrypted = await self._encryption.encrypt(account_id, fields, mail.id.bytes)
        await self._rows.all(_STORE, [mail.id, account_id, mail.kind, encrypted])


def _shown(text: MIMEPart, mail: MailMessage) -> str:
    """The text without its code or signed link: reading the stored copy must not replace access to the mailbox."""
    content = TOKEN.sub(lambda found: found[0].replace(found[1], HIDDEN), text.get_content())
    code = mail.said.get("token")
    return content.replace(code, HIDDEN) if code else content


class SentMails:
    """The table `auth.mail`."""

    def __init__(self, rows: RowPool, encryption: RowEncryption) -> None:
        self._rows = rows
        self._encryption = encryption

    async def of(self, account_id: UUID) -> Sequence[Mapping[str, Any]]:
        found = await self._rows.all(_ALL, [account_id])
        return [{"at": at, "kind": kind, **await self._fields(account_id, id, said)} for id, kind, at, said in found]

    async def latest(self, account_id: UUID, *, limit: int, before: UUID | None = None) -> Sequence[Mapping[str, Any]]:
        found = await self._rows.all(_LATEST, [account_id, before, before, limit])
        return [
            {"id": id, "at": at, "kind": kind, **await self._fields(account_id, id, said)}
            for id, kind, at, said in found
        ]

    async def has(self, id: UUID) -> bool:
        return bool(await self._rows.all(_HAS, [id]))

    async def _fields(self, account_id: UUID, id: UUID, said: Any) -> Mapping[str, Any]:
        return await self._encryption.decrypt(account_id, bytes(said), id.bytes) or {}


class SmtpSender:
    """Sends by a mail server. `url`: `smtp://user:password@host:587?starttls`, or `smtps://...` for TLS at once.

    With `starttls`, TLS is required; without it, TLS is used if the server offers it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("SMTP_URL is smtp://user:password@host:port?starttls or smtps://...")
        self._tls = parts.scheme == "smtps"
        self._starttls = True if "starttls" in parse_qs(parts.query, keep_blank_values=True) else None
        self._host, self._port = parts.hostname, parts.port or (465 if self._tls else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, message: EmailMessage, confirm: Confirm) -> None:
        """Raises aiosmtplib.SMTPException, OSError."""
        client = _Client(
            confirm,
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            start_tls=None if self._tls else self._starttls,
            timeout=TIMEOUT,
        )
        async with client:
            await client.send_message(message)


class _Client(aiosmtplib.SMTP):
    """Awaits `confirm` when the server has taken the addresses: connecting and logging in may have taken long."""

    def __init__(self, confirm: Confirm, **options: Any) -> None:
        super().__init__(**options)
        self._confirm = confirm

    async def data(self, *arguments: Any, **options: Any) -> aiosmtplib.SMTPResponse:
        await self._confirm()
        return await super().data(*arguments, **options)


class MailboxSender:
    """Writes `.eml` files into a folder, atomically. A retry of a mail replaces its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage, confirm: Confirm) -> None:
        """Raises OSError."""
        await confirm()
        await asyncio.to_thread(self._put, message)

    def _put(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        id = str(message["Message-ID"]).strip("<>").partition("@")[0]
        file = self._folder / f"{id}.eml"
        fresh = self._folder / f".{id}.{datetime.now(UTC):%f}.new"
        fresh.write_bytes(message.as_bytes())
        fresh.replace(file)


class NowhereSender:
    """Refuses every mail while SMTP_URL is not set: its job retries, and is dead in the end."""

    async def send(self, message: EmailMessage, confirm: Confirm) -> None:  # noqa: ARG002
        """Raises NoSender."""
        raise NoSender


def postman_of(settings: Settings, rows: RowPool, encryption: RowEncryption) -> MailService:
    """The mail service of the settings. Warns once if mail cannot be sent."""
    smtp = settings.mail_server
    if smtp is None and settings.dev_mailbox is None:
        logger.warning("mails wait: SMTP_URL is not set")
    return MailService(messages_of(settings), sender_of(smtp, settings.dev_mailbox), rows, encryption)


def messages_of(settings: Settings) -> MessageBuilder:
    """The builder of messages of the settings."""
    return MessageBuilder(
        settings.public_url,
        settings.mail_from,
        sender_name=settings.mail_sender_name,
        sender_address=settings.mail_sender_address,
        support_url=settings.support_url or "",
    )


def sender_of(smtp_url: str | None, mailbox: Path | None) -> Sender:
    """The sender: by SMTP if `smtp_url` is set, else into the folder if there is one."""
    if smtp_url is not None:
        return SmtpSender(smtp_url)
    return NowhereSender() if mailbox is None else MailboxSender(mailbox)
