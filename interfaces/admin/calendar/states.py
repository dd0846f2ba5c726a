"""What can be done with an appointment in each state, one click each. Whether it may, the operation decides."""

from collections.abc import Mapping, Sequence

ACTIONS: Mapping[str, Sequence[str]] = {
    "requested": ("confirm_appointment", "decline_appointment"),
    "booked": ("check_in_appointment", "mark_no_show"),
    "checked_in": ("complete_appointment", "mark_no_show"),
    "no_show": ("undo_no_show",),
}
"""By status: forms of the section of appointments."""
