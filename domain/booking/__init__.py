"""Appointments, holds, the waitlist, and the calendar day that prevents double booking."""
