"""The words of the panel in the person's language, and times, dates and amounts as they are written there."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent

from domain.scheduling.wallclock import UnknownZone, zone

FOLDER = Path(__file__).parent / "words"
LANGUAGES = ("en", "ru")
Money = Callable[[int, str, Locale], str]
"""An amount in minor units of a currency."""


class Wording:
    """All languages. `money`: writes amounts."""

    def __init__(self, money: Money) -> None:
        self._money = money
        self._words = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in LANGUAGES}

    def of(self, chosen: str, accepted: str) -> "Language":
        """The language that was chosen, else the first that the browser accepts, else English."""
        tags = [chosen, *(each.split(";")[0] for each in accepted.split(","))]
        names = [tag.strip()[:2].lower() for tag in tags]
        name = next((each for each in names if each in self._words), LANGUAGES[0])
        return Language(name, self._words[name], self._money)


class Language:
    """One language. `name`: its code."""

    def __init__(self, name: str, words: Mapping[str, str], money: Money) -> None:
        self.name = name
        self._words, self._amount, self._locale = words, money, Locale.parse(name)

    def say(self, key: str, **said: Any) -> str:
        """The words of a key, which must exist."""
        text = self._words[key]
        return text % said if said else text

    def knows(self, key: str) -> bool:
        return key in self._words

    def group(self, prefix: str) -> Mapping[str, str]:
        """All words whose keys begin so, by the rest of the key."""
        return {key.removeprefix(prefix): text for key, text in self._words.items() if key.startswith(prefix)}

    def value(self, kind: str, value: str) -> str:
        """The name of a value of a fixed set, else the value itself."""
        return self._words.get(f"value.{value}", self._words.get(f"{kind}.{value}", value))

    def problem(self, kind: str, status: int) -> str:
        """The sentence for a refusal: that of its kind, else that of its status."""
        keys = (f"problem.{kind}", f"problem.{status}", "problem")
        return next(self._words[key] for key in keys if key in self._words)

    def moment(self, moment: datetime | str, timezone: str | None = None) -> str:
        """Date and time of day in a zone, which is named."""
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        local = at.astimezone(UTC if timezone is None else _zone(timezone))
        day = format_date(local, "EEE d MMM y", locale=self._locale)
        clock = format_time(local, "HH:mm", locale=self._locale)
        return f"{day}, {clock} {timezone or 'UTC'}"

    def day(self, day: date | str) -> str:
        """A date without a zone."""
        return format_date(date.fromisoformat(day) if isinstance(day, str) else day, "long", locale=self._locale)

    def short_day(self, day: date) -> str:
        """Weekday and date without the year."""
        return format_date(day, "EEE d MMM", locale=self._locale)

    def month(self, day: date) -> str:
        """Month and year."""
        return format_skeleton("yMMMM", day, locale=self._locale)

    def lasting(self, minutes: int) -> str:
        """A number of minutes, from 90 on as hours and minutes, from two days on as days."""
        if minutes < 90:
            return self.say("minutes", count=minutes)
        if minutes < 2880:
            return self.say("hours_minutes", hours=minutes // 60, minutes=minutes % 60)
        return self.say("days", count=minutes // 1440)

    def number(self, value: float, digits: int) -> str:
        """At most so many digits after the point."""
        return format_decimal(round(value, digits), locale=self._locale)

    def percent(self, share: float) -> str:
        """A share of 1 in percent."""
        return format_percent(share, "#,##0.#%", locale=self._locale)

    def signed(self, value: float) -> str:
        """With its sign, and one digit after the point."""
        return format_decimal(value, "+#,##0.#;\N{MINUS SIGN}#,##0.#", locale=self._locale)

    def money(self, minor: int, currency: str) -> str:
        return self._amount(minor, currency, self._locale)


def _zone(name: str) -> Any:
    try:
        return zone(name)
    except UnknownZone:
        return UTC
