"""Mail: sent by SMTP, or in DEV put into a folder; what goes to somebody with an account is kept for them."""

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

from application.ports import MailMessage, RowEncryption
from infrastructure.database.row_pool import RowPool
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.settings import Settings

logger = structlog.get_logger(__name__)
HIDDEN = "(the code)"
TIMEOUT = 20.0  # seconds for each step of an exchange
_KEEP = "INSERT INTO auth.mail (id, account_id, kind, said) VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"

_KEPT = "SELECT id, kind, at, said FROM auth.mail WHERE account_id = %s ORDER BY at, id"
_LATEST = """
    SELECT id, kind, at, said FROM auth.mail WHERE account_id = %s
    AND (%s::uuid IS NULL OR (at, id) < (SELECT at, id FROM auth.mail WHERE id = %s))
    ORDER BY at DESC, id DESC LIMIT %s"""


class NoSender(Exception):
    """Nobody has said how mail leaves this place: SMTP_URL is not set."""


class Sender(Protocol):
    """How a message leaves."""

    async def send(self, message: EmailMessage) -> None:
        """Raises what stands against it."""
        ...


class MailService:
    """application.ports.Mail: writes, sends and keeps."""

    def __init__(self, letters: MessageBuilder, sender: Sender, rows: RowPool, seals: RowEncryption) -> None:
        self._letters = letters
        self._sender = sender
        self._rows = rows
        self._seals = seals

    async def send(self, letter: MailMessage) -> None:
        """See the port."""
        message = self._letters.message(letter)
        await self._sender.send(message)
        if letter.account_id is not None:
            await self._keep(letter, letter.account_id, message)

    async def _keep(self, letter: MailMessage, account_id: UUID, message: EmailMessage) -> None:
        text = message.get_body(("plain",))
        assert text is not None
        said = {"to": letter.to, "subject": str(message["Subject"]), "text": _shown(text, letter)}
        sealed = await self._seals.seal(account_id, said, letter.id.bytes)
        await self._rows.all(_KEEP, [letter.id, account_id, letter.kind, sealed])


def _shown(text: MIMEPart, letter: MailMessage) -> str:
    """Its text without the code in it: whoever may read what was mailed has not thereby read the mail."""
    told: str = text.get_content()
    code = letter.said.get("token")
    return told.replace(code, HIDDEN) if code else told


class SentMails:
    """application.ports.Mails."""

    def __init__(self, rows: RowPool, seals: RowEncryption) -> None:
        self._rows = rows
        self._seals = seals

    async def of(self, account_id: UUID) -> Sequence[Mapping[str, Any]]:
        """See the port."""
        found = await self._rows.all(_KEPT, [account_id])
        return [{"at": at, "kind": kind, **await self._opened(account_id, id, said)} for id, kind, at, said in found]

    async def latest(self, account_id: UUID, *, limit: int, before: UUID | None = None) -> Sequence[Mapping[str, Any]]:
        """See the port."""
        found = await self._rows.all(_LATEST, [account_id, before, before, limit])
        return [
            {"id": id, "at": at, "kind": kind, **await self._opened(account_id, id, said)}
            for id, kind, at, said in found
        ]

    async def _opened(self, account_id: UUID, id: UUID, said: Any) -> Mapping[str, Any]:
        return await self._seals.unseal(account_id, bytes(said), id.bytes) or {}


class SmtpSender:
    """To a mail server. `url`: `smtp://user:password@host:587?starttls`, or `smtps://...` for TLS at once.

    Without `starttls`, TLS is used where the server offers it; with it, nothing is sent without.
    """

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        if place.scheme not in {"smtp", "smtps"} or not place.hostname:
            raise ValueError("SMTP_URL is smtp://user:password@host:port?starttls or smtps://...")
        self._tls = place.scheme == "smtps"
        self._starttls = True if "starttls" in parse_qs(place.query, keep_blank_values=True) else None
        self._host, self._port = place.hostname, place.port or (465 if self._tls else 587)
        self._user = unquote(place.username) if place.username else None
        self._password = unquote(place.password) if place.password else None

    async def send(self, message: EmailMessage) -> None:
        """See Sender; raises aiosmtplib.SMTPException, OSError."""
        await aiosmtplib.send(
            message,
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            start_tls=None if self._tls else self._starttls,
            timeout=TIMEOUT,
        )


class MailboxSender:
    """Into a folder, one `.eml` file a mail, whole or not at all; the same mail twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """See Sender; raises OSError."""
        await asyncio.to_thread(self._put, message)

    def _put(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        id = str(message["Message-ID"]).strip("<>").partition("@")[0]
        kept = self._folder / f"{id}.eml"
        fresh = self._folder / f".{id}.{datetime.now(UTC):%f}.new"
        fresh.write_bytes(message.as_bytes())
        fresh.replace(kept)


class NowhereSender:
    """Where nothing is set: each mail waits, and is given up after a while."""

    async def send(self, message: EmailMessage) -> None:  # noqa: ARG002
        """See Sender; raises NoSender."""
        raise NoSender


def postman_of(settings: Settings, rows: RowPool, seals: RowEncryption) -> MailService:
    """As the settings have it; what leaves nowhere is said once."""
    smtp = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    if smtp is None and settings.dev_mailbox is None:
        logger.warning("no mail is sent: SMTP_URL is not set")
    letters = MessageBuilder(settings.public_url, settings.mail_from)
    return MailService(letters, sender_of(smtp, settings.dev_mailbox), rows, seals)


def sender_of(smtp_url: str | None, mailbox: Path | None) -> Sender:
    """SMTP if it is set, else the folder if there is one."""
    if smtp_url is not None:
        return SmtpSender(smtp_url)
    return NowhereSender() if mailbox is None else MailboxSender(mailbox)
