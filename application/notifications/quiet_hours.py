"""Quiet hours: the hours of the day in which no reminder is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from domain.scheduling.wallclock import instant, local_date

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Every day from `since` to `until`, in minutes of the day; past midnight if `until` is earlier."""

    since: int
    until: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Parse text such as '21:00-08:00'; None for an empty text. Raises ValueError."""
        if not text:
            return None
        since, _, until = text.partition("-")
        hours = cls(_minute(since), _minute(until))
        if hours.since == hours.until:
            raise ValueError("quiet hours must begin and end at different times")
        return hours

    def end(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """The end of the quiet hours that `now` lies in, in the zone; None outside them.

        Computed with instants: in an hour that clocks repeat, quiet hours begin and end once; an end that a clock
        change skips is the moment of the change.
        """
        today = local_date(now, zone)
        for day in (today - _DAY, today):
            end = self.until if self.until > self.since else self.until + 24 * 60
            if instant(day, self.since, zone) <= now < (until := instant(day, end, zone)):
                return until
        return None


def _minute(text: str) -> int:
    hour, _, minute = text.strip().partition(":")
    if not (len(hour) == len(minute) == 2 and text.strip().replace(":", "").isdecimal()):
        raise ValueError("use quiet hours such as 21:00-08:00")
    at = int(hour) * 60 + int(minute)
    if int(minute) > 59 or at >= 24 * 60:
        raise ValueError("use quiet hours such as 21:00-08:00")
    return at
