"""Every notice as a letter, to be looked at: `make mails` writes them to a folder as HTML."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from application.notifications.appointment_details import AppointmentDetails
from application.notifications.links import LASTING, Links
from application.notifications.mail import MailMessage
from application.notifications.notice import Notice, NoticeKind
from application.notifications.recipient import Recipient
from domain.kernel import derived_id
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.message_builder import MessageBuilder
from tests.support.no_mailer import Nobody

LETTERS = MessageBuilder("https://daybook.test", "Daybook <no-reply@daybook.test>")
LINKS = Links("https://daybook.test", b"the key of the gallery's links")
LANGUAGES = ("en", "ru")
START = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
ABOUT = derived_id("gallery")
NAMES = {"en": ("Bea Brown", "Haircut", "Ada's Salon"), "ru": ("Мария", "Стрижка", "Анна Иванова")}
REASONS = {"en": "I am ill, sorry.", "ru": "К сожалению, я заболела."}  # noqa: RUF001  it is Russian


def a_visit(**changes: Any) -> AppointmentDetails:
    """An hour in Berlin, on the Saturday before the clocks change."""
    start = changes.get("starts_at", START)
    said = {
        "service": "Haircut",
        "provider": "Ada's Salon",
        "address": "Torstraße 1, 10119 Berlin",
        "starts_at": start,
        "ends_at": start + timedelta(minutes=changes.pop("duration", 60)),
        "timezone": "Europe/Berlin",
        "price": 4500,
        "currency": "EUR",
        "cancel_until": start - timedelta(hours=24),
        "changed_at": datetime(2026, 10, 1, 9, tzinfo=UTC),
    }
    return AppointmentDetails(**said | changes)


def a_notice(kind: NoticeKind = NoticeKind.BOOKED, visit: AppointmentDetails | None = None, **changes: Any) -> Notice:
    if kind is NoticeKind.WEBHOOK_DISABLED:
        return Notice(
            derived_id(kind), kind, ABOUT, until=START + LASTING, facts={"url": "https://hooks.example.org/daybook"}
        )
    until = (
        START - timedelta(hours=20) if kind in {NoticeKind.REQUESTED, NoticeKind.APPROVE, NoticeKind.OFFER} else None
    )
    return Notice(derived_id(kind), kind, ABOUT, visit or a_visit(), until, **changes)


def a_recipient(language: str = "en", **changes: Any) -> Recipient:
    said = {"name": "Bea Brown", "email": "bea@example.org", "account_id": UUID(int=7)}
    return Recipient(**said | {"language": language, "timezone": "Europe/Berlin"} | changes)


def letter(notice: Notice, recipient: Recipient, letters: MessageBuilder = LETTERS) -> MailMessage:
    return EmailChannel(letters, Nobody(), LINKS).message(notice, recipient)


def write(folder: Path) -> None:
    """All kinds in all languages; in one of them, the reader is elsewhere and cancels late."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        name, service, provider = NAMES[language]
        for kind in NoticeKind:
            elsewhere = kind in {NoticeKind.MOVED, NoticeKind.CANCELLED}
            facts = {"customer": name if kind is NoticeKind.APPROVE else "", "reason": REASONS[language]}
            visit = a_visit(service=service, provider=provider, late_fee=1000 if elsewhere else None)
            notice = a_notice(kind, visit, **({} if kind is NoticeKind.WEBHOOK_DISABLED else {"facts": facts}))
            zone = "America/New_York" if elsewhere else "Europe/Berlin"
            message = LETTERS.message(letter(notice, a_recipient(language, name=name, timezone=zone)))
            body = message.get_body(("html",))
            assert body is not None
            (folder / f"{language}-{kind}.html").write_text(body.get_content())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
