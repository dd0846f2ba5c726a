"""Numbers of a report, and what has changed."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.mail.money import money_text
from interfaces.admin.reports.numbers import number
from interfaces.admin.wording import Wording
from projections.analysis.metric import Unit


@pytest.mark.parametrize(
    ("unit", "values", "text", "before", "change", "direction"),
    [
        (Unit.COUNT, (1234, 1000), "1,234", "1,000", "+23.4%", "up"),
        (Unit.COUNT, (3, 0), "3", "0", "", "up"),
        (Unit.COUNT, (0, 4), "0", "4", "\N{MINUS SIGN}100%", "down"),
        (Unit.SHARE, (0.0426, 0.0251), "4.3%", "2.5%", "+1.8 points", "up"),
        (Unit.SHARE, (None, 0.5), "\N{EN DASH}", "50%", "", ""),
        (Unit.MINUTES, (90, 150), "90 min", "2.5 h", "\N{MINUS SIGN}40%", "down"),
        (Unit.MINUTES, (-6, -3), "-6 min", "-3 min", "\N{MINUS SIGN}100%", "down"),
        (Unit.MONEY, (12345, 12345), "€123.45", "€123.45", "", ""),
        (Unit.MEAN, (1.256, 1.2), "1.26", "1.2", "+4.7%", "up"),
    ],
)
def test_a_number_and_its_change_are_written_as_people_read_them(
    unit: Unit, values: tuple[Any, Any], text: str, before: str, change: str, direction: str
) -> None:
    told = number(Wording(money_text).of("en", ""), unit, values, "EUR")
    assert (told["text"], told["before"], told["change"], told["direction"]) == (text, before, change, direction)
    assert told["value"] == values[0]
