"""Every mail, to be looked at: `make mails` writes them to a folder as HTML, with an index that shows them at once."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

from application.notifications.appointment_details import AppointmentDetails, FormerPlace, PlaceNames
from application.notifications.links import CODE_PATHS, LASTING, Links
from application.notifications.mail import AgendaLine, MailMessage
from application.notifications.notice import ASKS, MOVES, STAFF, Notice, NoticeKind
from application.notifications.recipient import Recipient
from application.notifications.waitlist_notice import contact_facts
from domain.kernel import derived_id
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.message_builder import TEMPLATES, MessageBuilder
from tests.support.no_mailer import Nobody

LETTERS = MessageBuilder("https://daybook.test", "Daybook <no-reply@daybook.test>")
LINKS = Links("https://daybook.test", b"the key of the gallery's links")
SHOWN = MessageBuilder(
    "https://daybook.test",
    "Daybook <no-reply@daybook.test>",
    sender_name="Daybook Ltd",
    sender_address="1 High Street, Leeds",
    support_url="https://daybook.test/help",
)
LANGUAGES = ("en", "ru")
START = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
SENT = datetime(2026, 10, 1, 9, tzinfo=UTC)
ABOUT = derived_id("gallery")
NAMES = {"en": ("Bea Brown", "Haircut", "Ada's Salon"), "ru": ("Мария", "Стрижка", "Анна Иванова")}
REASONS = {"en": "I am ill, sorry.", "ru": "К сожалению, я заболела."}  # noqa: RUF001  it is Russian
ACCOUNT_KINDS = sorted({file.stem for file in (TEMPLATES / "en").glob("*.jinja")} - {"words", *NoticeKind})
_LINKED = {"organization": "Ada's Salon", "rank": "staff", "link": "https://daybook.test/invitations/1?t=1"}
FACTS = {**_LINKED, "left": "7", "count": "2", "network": "192.0.2.7", "masked": "b***@example.org"}
MOMENTS = {name: datetime(2030, 1, 31, 9, tzinfo=UTC) for name in ("due", "expires", "asked")}


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
        "changed_at": SENT,
        "may_move": True,
    }
    return AppointmentDetails(**said | changes)


def a_notice(kind: NoticeKind = NoticeKind.BOOKED, visit: AppointmentDetails | None = None, **changes: Any) -> Notice:
    if kind is NoticeKind.WEBHOOK_DISABLED:
        facts = {"url": "https://hooks.example.org/daybook", "why": "failing"}
        return Notice(derived_id(kind), kind, ABOUT, until=START + LASTING, facts=facts, at=SENT)
    if kind is NoticeKind.WAITLIST_ENDED:
        seen = visit or a_visit()
        place = PlaceNames(
            service=seen.service, provider=seen.provider, address=seen.address, email=seen.email, phone=seen.phone
        )
        facts = {**contact_facts(place), "why": "lapsed"} | changes.get("facts", {})
        return Notice(derived_id(kind), kind, ABOUT, until=START + LASTING, facts=facts, at=SENT)
    until = (
        START - timedelta(hours=20) if kind in {NoticeKind.REQUESTED, NoticeKind.APPROVE, NoticeKind.OFFER} else None
    )
    former = FormerPlace(START - timedelta(days=1), "Ada's Salon") if kind in MOVES else None
    said = {"former": former, "at": SENT} | changes
    return Notice(derived_id(kind), kind, ABOUT, visit or a_visit(), until, **said)


def a_recipient(language: str = "en", **changes: Any) -> Recipient:
    said = {"name": "Bea Brown", "email": "bea@example.org", "account_id": UUID(int=7)}
    return Recipient(**said | {"language": language, "timezone": "Europe/Berlin"} | changes)


def letter(notice: Notice, recipient: Recipient, letters: MessageBuilder = LETTERS) -> MailMessage:
    return EmailChannel(letters, Nobody(), LINKS).message(notice, recipient)


def account_letter(kind: str, language: str = "en", name: str = "Bea Brown") -> MailMessage:
    code = {"token": "t" * 43} if kind in CODE_PATHS else {}
    return MailMessage(
        id=derived_id(kind),
        kind=kind,
        to="bea@example.org",
        language=language,
        said={"name": name, **FACTS, **code},
        at=SENT,
        moments=MOMENTS,
        timezone="Europe/Berlin",
        agenda=[_line(n, language) for n in range(2)] if kind == "agenda" else [],
        stop_link=LINKS.stopping("agenda", a_recipient(language), MOMENTS["due"], language) if kind == "agenda" else "",
    )


def _line(number: int, language: str) -> AgendaLine:
    start, (customer, service, provider) = START + timedelta(hours=number), NAMES[language]
    return AgendaLine(start, start + timedelta(minutes=45), service, customer, provider)


def notice_letter(kind: NoticeKind, language: str, by: str = "customer", **changes: Any) -> MailMessage:
    """In some kinds, the reader is elsewhere and cancels late. `by`: the side that made the change."""
    name, service, provider = NAMES[language]
    elsewhere = kind in {NoticeKind.MOVED, NoticeKind.CANCELLED}
    to_staff = kind is NoticeKind.APPROVE or kind in STAFF
    facts = {"customer": name if to_staff else "", "reason": REASONS[language], "by": by}
    former = FormerPlace(changes.pop("was", START - timedelta(days=1)), changes.pop("before", provider))
    said = {"service": service, "provider": provider, "late_fee": 1000 if elsewhere else None, "phone": "+49 30 901820"}
    more: Mapping[str, Any] = {} if kind is NoticeKind.WEBHOOK_DISABLED else {"facts": facts}
    if kind in MOVES or changes.pop("asked_to_move", False):
        more = {**more, "former": former}
    if kind is NoticeKind.REBOOK:
        changes = {"cancel_until": START} | changes  # at no cost until it begins
    zone = "America/New_York" if elsewhere else "Europe/Berlin"
    if kind is NoticeKind.WAITLIST_ENDED:
        more = {"facts": {"why": changes.pop("why", "lapsed")}}
    notice = a_notice(kind, a_visit(**said | changes), **more)
    return letter(notice, a_recipient(language, name=name, timezone=zone), SHOWN)


def _variants(language: str) -> Iterator[tuple[str, MailMessage]]:
    """What a kind says in other cases."""
    late = {"cancel_until": None, "late_fee": None}
    kinds = NoticeKind
    yield "booked-late", notice_letter(kinds.BOOKED, language, **late, may_move=False)
    yield "booked-free", notice_letter(kinds.BOOKED, language, late_fee=0)
    yield "reminder-late", notice_letter(kinds.REMINDER, language, **late)
    yield "reminder-fee", notice_letter(kinds.REMINDER, language, cancel_until=None, late_fee=1000, may_move=False)
    yield "cancelled-by-staff", notice_letter(kinds.CANCELLED, language, "staff")
    yield "cancelled-by-system", notice_letter(kinds.CANCELLED, language, "system")
    yield "moved-by-staff", notice_letter(kinds.MOVED, language, "staff")
    yield "moved-to-provider", notice_letter(kinds.MOVED, language, "staff", was=START, before="Grace")
    for kind in sorted(ASKS):
        yield f"{kind}-move", notice_letter(kind, language, asked_to_move=True)
    yield "waitlist-ended-by-staff", notice_letter(kinds.WAITLIST_ENDED, language, why="staff")
    yield "moved-both", notice_letter(kinds.MOVED, language, "staff", before="Grace")


def every() -> Iterator[tuple[str, EmailMessage]]:
    """Name and message of each mail, in each language."""
    for language in LANGUAGES:
        for kind in NoticeKind:
            yield f"{language}-{kind}", SHOWN.message(notice_letter(kind, language))
        for case, mail in _variants(language):
            yield f"{language}-{case}", SHOWN.message(mail)
        for account_kind in ACCOUNT_KINDS:
            name = NAMES[language][0]
            yield f"{language}-{account_kind}", SHOWN.message(account_letter(account_kind, language, name))


def write(folder: Path) -> None:
    """Each mail as a page, and `index.html`, which shows all of them on a narrow screen."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for name, message in every():
        body = message.get_body(("html",))
        assert body is not None
        (folder / f"{name}.html").write_text(body.get_content(), encoding="utf-8")
        frames.append(
            f'<figure><figcaption>{name}: {message["Subject"]}</figcaption><iframe src="{name}.html"></iframe>'
        )
    (folder / "index.html").write_text(_INDEX + "\n".join(frames), encoding="utf-8")


_INDEX = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Mails</title>
<style>body { display: flex; flex-wrap: wrap; gap: 16px; font: 14px sans-serif; }
figure { margin: 0; width: 360px; } figcaption { height: 3em; }
iframe { width: 360px; height: 760px; border: 1px solid #888; }
</style>
"""
_FRAME = '<figure><figcaption>{name}: {subject}</figcaption><iframe src="{name}.html"></iframe></figure>'


if __name__ == "__main__":
    write(Path(sys.argv[1]))
