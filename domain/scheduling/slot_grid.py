"""Slot grid: the starts in each opening piece. A booking in the middle of a piece does not shift its grid."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from domain.scheduling.instants import MICROSECOND, micros
from domain.scheduling.interval import Interval, merge

_ROUND = (60, 30, 20, 15, 10, 5)


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """Starts every `step` from where a piece opens.

    With align 'clock', from there on the clock in `tz` is first rounded up to the largest of
    60/30/20/15/10/5 minutes that divides the step, if any does.
    """

    step: timedelta
    align: Literal["opening", "clock"]
    tz: ZoneInfo

    def starts(self, pieces: Sequence[Interval], length: timedelta, within: Interval) -> list[int]:
        """The starts in `within` after which `length` is open without a break, in microseconds; sorted, each once."""
        found: list[int] = []
        since, until = micros(within.start), micros(within.end)
        step, lasts = self.step // MICROSECOND, length // MICROSECOND
        closings = [micros(opening.end) for opening in merge(pieces)]  # adjoining pieces count as one for fitting
        for piece in pieces:
            first, end = micros(self._first(piece)), micros(piece.end)
            closing = closings[bisect_left(closings, end)]
            if first < since:
                first += -((first - since) // step) * step
            found += range(first, min(end, until, closing - lasts + 1), step)
        if any(later.start < earlier.end for earlier, later in pairwise(pieces)):
            return sorted(set(found))
        return found

    def has(self, pieces: Sequence[Interval], start: datetime) -> bool:
        """Whether `start` lies on the grid of one of the pieces."""
        return any(
            first <= start < piece.end and not (start - first) % self.step
            for piece, first in ((piece, self._first(piece)) for piece in pieces)
        )

    def _first(self, piece: Interval) -> datetime:
        start = piece.start
        if self.align == "opening":
            return start
        unit = next((unit for unit in _ROUND if not self.step % timedelta(minutes=unit)), None)
        if unit is None:
            return start
        while past := _past_round(start.astimezone(self.tz), unit):  # again where the clock jumps on the way
            start += timedelta(minutes=unit) - past
        return start


def _past_round(local: datetime, unit: int) -> timedelta:
    return timedelta(minutes=local.minute % unit, seconds=local.second, microseconds=local.microsecond)
