"""The texts of an appointment, and how much may be written: the log keeps every version."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.booking.appointment_status import AppointmentStatus, WithStatus
from domain.errors import Invalid
from domain.personal_data import PersonalData, check_budget

LARGEST_TEXT = 16_000  # bytes of all texts together, as JSON in UTF-8
DEFAULTS: Mapping[str, Any] = {"note": "", "answers": {}, "staff_note": "", "external_id": None, "metadata": {}}
"""The texts, and what each is where nobody wrote it. `staff_note`: for staff alone, never for the customer."""


class TextTooLong(Invalid):
    """The texts of this appointment are too long."""


class WithTexts(WithStatus):
    """The texts of an appointment, all of them personal data of the customer; the defaults while they are encrypted."""

    Noted: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    customer_id: UUID
    told: PersonalData | None
    noted: tuple[PersonalData | None, ...]
    ending: Mapping[str, Any]
    reason: PersonalData | None

    @property
    def note(self) -> str:
        return str(self._text("note"))

    @property
    def answers(self) -> dict[str, Any]:
        return dict(self._text("answers"))

    @property
    def staff_note(self) -> str:
        return str(self._text("staff_note"))

    @property
    def external_id(self) -> str | None:
        id: str | None = self._text("external_id")
        return id

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self._text("metadata"))

    @property
    def cancelled(self) -> dict[str, Any] | None:
        """The members at, by, party, reason, reason_code, late and fee (minor units); None unless it is cancelled."""
        return {**self.ending, "reason": words(self.reason)} if self.status is AppointmentStatus.CANCELLED else None

    @property
    def declined(self) -> dict[str, Any] | None:
        """The members at, by, reason and reason_code; None unless it is declined."""
        return {**self.ending, "reason": words(self.reason)} if self.status is AppointmentStatus.DECLINED else None

    def _text(self, name: str) -> Any:
        return texts_of(self.told)[name]

    def annotate(self, by: UUID, note: str, answers: dict[str, Any], now: datetime, **more: Any) -> None:
        """Change the texts, which must be decrypted. Once the appointment has ended, only those in `more`."""
        known = texts_of(self.told)
        if not more or (note, answers) != (known["note"], known["answers"]):
            self._check_alive()
        texts = {**known, "note": note, "answers": answers, **more}
        if texts != known:
            told = note_of(self.customer_id, **texts)
            check_budget((*self.noted, told))
            self.trigger_event(self.Noted, by=by, told=told, timestamp=now)


def texts_of(told: PersonalData | None) -> dict[str, Any]:
    """All texts; the defaults of an erased person."""
    return {**DEFAULTS, **((told.value if told else None) or {})}


def reason_of(customer_id: UUID, text: str) -> PersonalData | None:
    """Words as personal data of the customer; None if they are empty, which needs no key."""
    return PersonalData(customer_id, text) if text else None


def words(reason: PersonalData | None) -> str:
    """Empty while they are encrypted."""
    return (reason.value if reason else None) or ""


def note_of(customer_id: UUID, note: str, answers: Mapping[str, Any], **more: Any) -> PersonalData | None:
    """The texts as personal data of the customer; None if all are empty, which needs no key. Raises TextTooLong."""
    written = {name: value for name, value in more.items() if value}
    if not note and not answers and not written:
        return None
    told = PersonalData(customer_id, {"note": note, "answers": dict(answers), **written})
    if told.size > LARGEST_TEXT:
        raise TextTooLong(f"Together they have {told.size} bytes; at most {LARGEST_TEXT} are allowed.")
    return told
