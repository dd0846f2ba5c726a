"""Instants as whole microseconds since 1970: whole numbers are cheaper to count with than datetimes."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND


def micros(instant: datetime) -> int:
    """Microseconds from 1970 to an aware datetime."""
    return (instant - EPOCH) // MICROSECOND


def at_micros(instant: int) -> datetime:
    """The datetime, in UTC."""
    return EPOCH + timedelta(microseconds=instant)
