"""Sections of appointments and of the waitlist."""
