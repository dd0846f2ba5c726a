"""Quiet hours: when nobody wants to be woken by a reminder."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from domain.scheduling.wallclock import instant, local_date

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Every day from `since` to `until`, in minutes of the day: past midnight if that is earlier."""

    since: int
    until: int

    @classmethod
    def read(cls, told: str) -> Self | None:
        """From such as '21:00-08:00'; None for an empty one. Raises ValueError."""
        if not told:
            return None
        since, _, until = told.partition("-")
        hours = cls(_minute(since), _minute(until))
        if hours.since == hours.until:
            raise ValueError("quiet hours begin and end at different times")
        return hours

    def end(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When it is quiet in the zone: the moment at which that ends; None when it is not.

        Reckoned with instants, not with what clocks show, so that an hour that comes twice is quiet once or
        all through, and an end that a clock change skips is the moment of the change.
        """
        today = local_date(now, zone)
        for day in (today - _DAY, today):
            end = self.until if self.until > self.since else self.until + 24 * 60
            if instant(day, self.since, zone) <= now < (until := instant(day, end, zone)):
                return until
        return None


def _minute(told: str) -> int:
    hour, _, minute = told.strip().partition(":")
    if not (len(hour) == len(minute) == 2 and told.strip().replace(":", "").isdecimal()):
        raise ValueError("quiet hours are such as 21:00-08:00")
    at = int(hour) * 60 + int(minute)
    if int(minute) > 59 or at >= 24 * 60:
        raise ValueError("quiet hours are such as 21:00-08:00")
    return at
