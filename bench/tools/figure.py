"""What a benchmark answers: figures beside their controls, taken in turns, and the ratio of each turn."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

ROUNDS = 3
"""At least: the median of fewer says little."""


class LeftOut(Exception):
    """A benchmark that this machine cannot run; the message says why."""


@dataclass(frozen=True)
class Side:
    """One thing measured: a value per round."""

    name: str
    values: Sequence[float]

    @property
    def middle(self) -> float:
        return median(self.values)


@dataclass(frozen=True)
class Target:
    """What the ratio to the control should be; `at_most` where less is better."""

    bound: float
    at_most: bool = False

    def met_by(self, ratio: float) -> bool:
        return ratio <= self.bound if self.at_most else ratio >= self.bound

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """Ours beside a control, round by round. `unit`: of both, such as "bookings/s"."""

    bench: str
    unit: str
    ours: Side
    control: Side
    target: Target | None = None

    @property
    def ratios(self) -> list[float]:
        """Ours to the control's, each within one round: what slows the machine slows both."""
        return [ours / control for ours, control in zip(self.ours.values, self.control.values, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.target.met_by(self.ratio)

    def to_json(self) -> dict[str, Any]:
        return {
            "bench": self.bench,
            "unit": self.unit,
            "ours": {"name": self.ours.name, "median": self.ours.middle, "rounds": list(self.ours.values)},
            "control": {
                "name": self.control.name,
                "median": self.control.middle,
                "rounds": list(self.control.values),
            },
            "ratio": {"median": self.ratio, "min": min(self.ratios), "max": max(self.ratios)},
            "target": None if self.target is None else str(self.target),
            "met": self.met,
        }


Measured = float | Mapping[str, float]
"""A value, or several by unit."""


@dataclass
class Turns:
    """Measurements by name, taken in turns: A B C, A B C, ..."""

    bench: str
    sides: Mapping[str, Callable[[], Measured]]
    rounds: int
    tell: Callable[[str], None]
    _found: dict[str, Sequence[Measured]] = field(default_factory=dict, init=False)

    def take(self) -> Turns:
        """Measure all of it."""
        values: dict[str, list[Measured]] = {name: [] for name in self.sides}
        for number in range(1, self.rounds + 1):
            for name, measure in self.sides.items():
                self.tell(f"{self.bench}: {name}, round {number} of {self.rounds}")
                gc.collect()
                values[name].append(measure())
        self._found = values
        return self

    def figure(self, ours: str, control: str, unit: str, target: Target | None = None) -> Figure:
        """Two of the sides, by name; of several values those with this unit."""
        return Figure(self.bench, unit, self.side(ours, unit), self.side(control, unit), target)

    def side(self, name: str, unit: str) -> Side:
        """One of the sides."""
        return Side(name, [each[unit] if isinstance(each, Mapping) else each for each in self._found[name]])


def table(figures: Sequence[Figure]) -> Table:
    """For people."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("bench", "ours", "control"):
        shown.add_column(column, overflow="fold")
    for column in ("ours", "control"):
        shown.add_column(column, justify="right")
    shown.add_column("unit")
    for column in ("ratio", "min-max", "target"):
        shown.add_column(column, justify="right")
    shown.add_column("met")
    for each in figures:
        shown.add_row(
            each.bench,
            each.ours.name,
            each.control.name,
            f"{each.ours.middle:,.4g}" if each.ours.middle < 1000 else f"{each.ours.middle:,.0f}",
            f"{each.control.middle:,.4g}" if each.control.middle < 1000 else f"{each.control.middle:,.0f}",
            each.unit,
            f"{each.ratio:.2f}",
            f"{min(each.ratios):.2f}-{max(each.ratios):.2f}",
            "" if each.target is None else str(each.target),
            {True: "yes", False: "NO", None: ""}[each.met],
        )
    return shown
