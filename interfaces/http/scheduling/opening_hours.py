"""Opening hours as clock times, and as minutes of the local day."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from domain.scheduling.opening_hours import DAY, window
from interfaces.http.framework.fields import Body
from interfaces.http.framework.validation_messages import matching
from interfaces.http.vocabulary.enum_name import EnumName

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Annotated[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], EnumName("Weekday")]
From = Annotated[
    str,
    matching(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "Use HH:MM, such as 09:00.", alias="from", examples=["09:00"]),
]
To = Annotated[
    str,
    matching(r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "Use HH:MM up to 24:00, such as 17:00.", examples=["17:00"]),
]


class DayWindow(Body):
    """Open from one time of day to another. A `to` before `from` is on the next day. A whole day is 00:00 to 24:00."""

    from_: From
    to: To

    @field_validator("to")
    @classmethod
    def _check_length(cls, to: str, earlier: ValidationInfo) -> str:
        if to == earlier.data.get("from_"):
            raise PydanticCustomError("hours", "Must not equal `from`. For the whole day, use 00:00 to 24:00.")
        return to


class WeeklyWindow(DayWindow):
    """Open on one weekday."""

    day: Day


def minutes(windows: Sequence[DayWindow]) -> list[list[int]]:
    """[[opens, closes], ...] in minutes of the local day, sorted."""
    return sorted(list(window(each.from_, each.to)) for each in windows)


def minutes_of_week(windows: Sequence[WeeklyWindow]) -> dict[str, list[list[int]]]:
    """Weekday "0".."6" -> [[opens, closes], ...]; days without hours are left out."""
    of_day = {day: [each for each in windows if each.day == day] for day in DAYS}
    return {str(n): minutes(of_day[day]) for n, day in enumerate(DAYS) if of_day[day]}


def hours_response(windows: Sequence[Sequence[int]]) -> list[dict[str, str]]:
    """Minutes of the day -> from and to."""
    return [{"from": _clock(opens), "to": _clock(closes)} for opens, closes in windows]


def week_response(week: Mapping[str, Sequence[Sequence[int]]]) -> list[dict[str, Any]]:
    """Minutes of the day by weekday -> day, from and to; Monday first."""
    return [{"day": DAYS[int(day)], **each} for day in sorted(week) for each in hours_response(week[day])]


def _clock(minute: int) -> str:
    if minute == DAY:
        return "24:00"
    hour, rest = divmod(minute % DAY, 60)
    return f"{hour:02}:{rest:02}"
