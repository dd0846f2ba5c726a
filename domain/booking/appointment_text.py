"""Note and answers of an appointment, and how much of them may be written: the log keeps every version of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.errors import Conflict, Invalid
from domain.personal_data import PersonalData

LARGEST_TEXT = 16_000  # bytes of note and answers together, as JSON in UTF-8
MOST_WRITTEN = 4 * LARGEST_TEXT  # bytes of all their versions


class TextTooLong(Invalid):
    """Note and answers are too long."""


class TextBudgetSpent(Conflict):
    """Note and answers of this appointment have been changed too often."""


def note_of(customer_id: UUID, note: str, answers: Mapping[str, Any]) -> PersonalData | None:
    """Note and answers as personal data of the customer; None if both are empty, which needs no key.

    Raises TextTooLong.
    """
    if not note and not answers:
        return None
    told = PersonalData(customer_id, {"note": note, "answers": dict(answers)})
    if told.size > LARGEST_TEXT:
        raise TextTooLong(f"Note and answers have {told.size} bytes; at most {LARGEST_TEXT} are allowed.")
    return told


def check_budget(written: Sequence[PersonalData]) -> None:
    """Raise TextBudgetSpent if all versions are too much together."""
    if sum(each.size for each in written) > MOST_WRITTEN:
        raise TextBudgetSpent(f"All their versions have at most {MOST_WRITTEN} bytes.", limit=MOST_WRITTEN)
