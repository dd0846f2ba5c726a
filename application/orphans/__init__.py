"""Appointments that a change of opening hours leaves outside them: the preview, the check, and what settles each."""
