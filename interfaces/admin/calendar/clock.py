"""The provider's wall clock: all times that the calendar shows, whatever the zone of the browser."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.scheduling.wallclock import instant

A_DAY = 1440
_STEP = 15  # minutes: clocks change at whole quarters of an hour


def wall(moment: datetime, tz: ZoneInfo) -> str:
    """Date and time on the wall, such as 2027-03-28T09:30."""
    return f"{moment.astimezone(tz):%Y-%m-%dT%H:%M}"


def clock(moment: datetime, tz: ZoneInfo) -> str:
    """The time of day. One that happens twice that day has its offset: 02:30 (+01:00)."""
    local = moment.astimezone(tz)
    text = f"{local:%H:%M}"
    return f"{text} ({local.isoformat()[-6:]})" if _is_twice(local) else text


def minute_of(moment: datetime, day: date, tz: ZoneInfo) -> int:
    """Minutes on the wall since the day's midnight."""
    local = moment.astimezone(tz)
    return (local.date() - day).days * A_DAY + local.hour * 60 + local.minute


def at_minute(day: date, minute: int) -> str:
    """The wall time of a minute of a day; from 1440 on, of the next one."""
    return f"{datetime(day.year, day.month, day.day) + timedelta(minutes=minute):%Y-%m-%dT%H:%M}"  # noqa: DTZ001  a wall time


@lru_cache(maxsize=512)
def skipped(day: date, tz: ZoneInfo) -> tuple[int, int] | None:
    """The minutes of the day that clocks skip."""
    gone = [each for each in range(0, A_DAY, _STEP) if minute_of(instant(day, each, tz), day, tz) != each]
    return (gone[0], gone[-1] + _STEP) if gone else None


@lru_cache(maxsize=512)
def repeated(day: date, tz: ZoneInfo) -> tuple[int, int] | None:
    """The minutes of the day that happen twice."""
    twice = [each for each in range(0, A_DAY, _STEP) if _is_twice(instant(day, each, tz).astimezone(tz))]
    return (twice[0], twice[-1] + _STEP) if twice else None


def read(text: str) -> datetime:
    """An instant as the API writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(moment: datetime) -> str:
    """An instant as the API reads it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _is_twice(local: datetime) -> bool:
    """Of a time on the wall that exists."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
