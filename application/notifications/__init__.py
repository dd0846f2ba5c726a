"""Notices to people: kind, recipient, content and time."""
