"""Personal data: encrypted with the key of one person, and unreadable once that key is deleted."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.errors import Conflict

MOST_WRITTEN = 64_000
"""Bytes of all versions of a text, or of several texts together: the log keeps every one."""


class TextBudgetSpent(Conflict):
    """These texts have been changed too often."""


class PersonalData:
    """JSON about the person `subject`, in one field of one event.

    `value` is None while it is encrypted, and for ever once the person is erased. Recording encrypts it in place, so
    that aggregates hold no plain text afterwards. One object belongs to one event: make another one for another event.
    """

    __slots__ = ("place", "sealed", "subject", "value")

    def __init__(self, subject: UUID, value: Any = None, sealed: bytes | None = None, place: bytes = b"") -> None:
        self.subject = subject
        self.value = value
        self.sealed = sealed
        self.place = place  # the place in the log that the ciphertext is bound to

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PersonalData) or self.subject != other.subject:
            return False
        if self.value is None or other.value is None:
            return self.sealed is not None and self.sealed == other.sealed
        return bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]  # encryption changes it

    def __repr__(self) -> str:
        return f"PersonalData(subject={self.subject})"

    @property
    def size(self) -> int:
        """Bytes that the log keeps, but for what encryption adds."""
        if self.value is None:
            return len(self.sealed or b"")
        return len(json.dumps(self.value, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def get(self, name: str) -> Any:
        """A member of the JSON object; None while it is encrypted."""
        return None if self.value is None else self.value.get(name)


def check_budget(written: Iterable[PersonalData | None]) -> None:
    """Raise TextBudgetSpent if all versions are too much together."""
    if sum(each.size for each in written if each is not None) > MOST_WRITTEN:
        raise TextBudgetSpent(f"All their versions have at most {MOST_WRITTEN} bytes.", limit=MOST_WRITTEN)
