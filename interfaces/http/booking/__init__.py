"""Routes of appointments, holds and the waitlist."""
