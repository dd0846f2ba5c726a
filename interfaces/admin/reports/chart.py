"""A chart of bars: the places of the bars in a drawing that the page stretches to its width."""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 600, 120
_GAP = 0.25  # of a bar's place


def bars(values: Sequence[float | None]) -> Sequence[Mapping[str, Any]]:
    """x, y, width and height of each value's bar, from the line of zero up or down; one without a value is flat."""
    known = [each for each in values if each is not None]
    top, bottom = max(known, default=0), min(known, default=0)
    top, bottom = max(top, 0), min(bottom, 0)
    scale, place = HEIGHT / ((top - bottom) or 1), WIDTH / max(len(values), 1)
    return [
        {
            "x": round(place * (index + _GAP / 2), 2),
            "y": round((top - max(value or 0, 0)) * scale, 2),
            "width": round(place * (1 - _GAP), 2),
            "height": round(abs(value or 0) * scale, 2),
        }
        for index, value in enumerate(values)
    ]
