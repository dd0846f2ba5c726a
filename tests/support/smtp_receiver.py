"""A mail server that honours keys, and may take its time: what it was sent, by Message-ID."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from types import TracebackType
from typing import Self
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Mail:
    """`key`: of its Message-ID; `begun`, `taken`: when its sender came, and when it was told `250 OK`."""

    key: UUID
    to: str
    begun: datetime
    taken: datetime


@dataclass
class Receiver:
    """`slow`: seconds before it takes a mail; `answers`: what it says to the next ones, before `250 OK`."""

    slow: float = 0.0
    answers: list[str] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    waiting: int = 0

    @property
    def url(self) -> str:
        """As SMTP_URL."""
        return f"smtp://{HOST}:{self._controller.port}"

    @property
    def keys(self) -> set[UUID]:
        """Each once, however often it was sent."""
        return {mail.key for mail in self.mails}

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # each word of each exchange
        self._controller = Controller(self, hostname=HOST, port=port)
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._controller.stop()

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        session.begun = datetime.now(UTC)
        return responses

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.waiting += 1
        try:
            await asyncio.sleep(self.slow)
        finally:
            self.waiting -= 1
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            key = UUID(str(message_from_bytes(envelope.content)["Message-ID"]).strip("<>").partition("@")[0])
            self.mails.append(Mail(key, envelope.rcpt_tos[0], session.begun, datetime.now(UTC)))
        return answer
