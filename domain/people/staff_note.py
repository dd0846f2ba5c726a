"""Staff note: words of staff for staff about a customer."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.personal_data import PersonalData, check_budget


class WithStaffNote:
    """The staff note of a customer: personal data, which the customer gets in their export alone."""

    StaffNoted: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    staff_told: PersonalData | None
    staff_notes: tuple[PersonalData | None, ...]

    @property
    def staff_note(self) -> str:
        """Empty while it is encrypted."""
        return (self.staff_told.value if self.staff_told else None) or ""

    def note_for_staff(self, by: UUID, note: PersonalData | None, now: datetime) -> None:
        """Replace the note, which must be decrypted, by another about this customer. Raises TextBudgetSpent."""
        if (note.value if note else "") == self.staff_note:
            return
        check_budget((*self.staff_notes, note))
        self.trigger_event(self.StaffNoted, by=by, note=note, timestamp=now)

    def keep_staff_note(self, note: PersonalData | None) -> None:
        """Take over what was recorded."""
        self.staff_told, self.staff_notes = note, (*self.staff_notes, note)
