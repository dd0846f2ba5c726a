"""Appointments, approval, attendance, holds, the waitlist, and the choice of a provider."""
