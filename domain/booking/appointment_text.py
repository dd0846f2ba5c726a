"""The texts of an appointment: note, answers and more, and how much may be written: the log keeps every version."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.errors import Invalid
from domain.personal_data import PersonalData

LARGEST_TEXT = 16_000  # bytes of all texts together, as JSON in UTF-8
DEFAULTS: Mapping[str, Any] = {"note": "", "answers": {}, "staff_note": "", "external_id": None, "metadata": {}}
"""The texts, and what each is where nobody wrote it. `staff_note`: for staff alone, never for the customer."""


class TextTooLong(Invalid):
    """The texts of this appointment are too long."""


class WithTexts:
    """The texts of an appointment, all of them personal data of the customer; the defaults while they are encrypted."""

    told: PersonalData | None

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

    def _text(self, name: str) -> Any:
        return texts_of(self.told)[name]


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
