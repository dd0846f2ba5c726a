"""Notices to people: which, to whom, with what content, and when."""
