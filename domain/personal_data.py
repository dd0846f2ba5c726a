"""Personal: what is told about a person, and can't be read any more once that person is forgotten."""

from typing import Any
from uuid import UUID


class PersonalData:
    """JSON about the person `subject`, in one event's field.

    `value` is None while it is sealed (only that person's key opens it), and for ever once they are
    forgotten. Recording seals it in place, so that aggregates hold no plain text from then on. One object
    belongs to one event: to say the same again, make another.
    """

    __slots__ = ("place", "sealed", "subject", "value")

    def __init__(self, subject: UUID, value: Any = None, sealed: bytes | None = None, place: bytes = b"") -> None:
        self.subject = subject
        self.value = value
        self.sealed = sealed
        self.place = place  # where in the log it is sealed for

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PersonalData) or self.subject != other.subject:
            return False
        if self.value is None or other.value is None:
            return self.sealed is not None and self.sealed == other.sealed
        return bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]  # sealing changes it

    def __repr__(self) -> str:
        return f"Personal(subject={self.subject})"

    def get(self, name: str) -> Any:
        """A member of an object; None while it is sealed."""
        return None if self.value is None else self.value.get(name)
