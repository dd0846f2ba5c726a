"""Numbers of metrics as people read them, and what has changed since the period before."""

from collections.abc import Mapping
from typing import Any

from interfaces.admin.wording import Language
from projections.analysis.metric import Unit

NONE = "\N{EN DASH}"
_HOURS_FROM = 120  # minutes


def number(language: Language, unit: Unit, values: tuple[Any, Any], currency: str) -> Mapping[str, Any]:
    """A value and the one before: text for people, and the value itself."""
    now, before = values
    return {
        "value": now,
        "text": written(language, unit, now, currency),
        "before": written(language, unit, before, currency),
        "change": _change(language, unit, now, before),
        "direction": "" if now is None or before is None or now == before else "up" if now > before else "down",
    }


def written(language: Language, unit: Unit, value: Any, currency: str) -> str:
    """The value in its unit; a dash for none."""
    if value is None:
        return NONE
    match unit:
        case Unit.SHARE:
            return language.percent(value)
        case Unit.MONEY:
            return language.money(int(value), currency)
        case Unit.MINUTES if abs(value) >= _HOURS_FROM:
            return language.say("report.hours", count=language.number(value / 60, 1))
        case Unit.MINUTES:
            return language.say("minutes", count=language.number(value, 1))
        case _:
            return language.number(value, 2)


def _change(language: Language, unit: Unit, now: Any, before: Any) -> str:
    """Of a share in percentage points, of anything else in percent; empty without any."""
    if now is None or before is None or now == before:
        return ""
    if unit is Unit.SHARE:
        points = round(now * 100, 1) - round(before * 100, 1)  # of the numbers as they stand beside it
        return language.say("report.points", count=language.signed(points)) if points else ""
    return "" if not before else f"{language.signed((now - before) / abs(before) * 100)}%"
