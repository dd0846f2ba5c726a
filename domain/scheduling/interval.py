"""Half-open intervals [start, end): intervals that touch do not overlap."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Interval(NamedTuple):
    """[start, end), two aware UTC datetimes; empty unless `end` is after `start`."""

    start: datetime
    end: datetime

    @property
    def empty(self) -> bool:
        return self.end <= self.start


def overlaps(a: Interval, b: Interval) -> bool:
    """Whether they share time. Touching or empty intervals share none."""
    return a[0] < b[1] and b[0] < a[1] and a[0] < a[1] and b[0] < b[1]


def clip(interval: Interval, bounds: Interval) -> Interval:
    """The part inside `bounds`; may be empty."""
    return Interval(max(interval[0], bounds[0]), min(interval[1], bounds[1]))


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as possible: sorted, touching ones joined, empty ones dropped."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = Interval(merged[-1][0], end)
        else:
            merged.append(Interval(start, end))
    return merged


def subtract(base: Iterable[Interval], cuts: Iterable[Interval]) -> list[Interval]:
    """The rest of each interval of `base`, in order; adjoining intervals are not joined."""
    cuts = merge(cuts)
    left: list[Interval] = []
    for first, end in base:
        start = first
        for cut in cuts:
            if cut[1] <= start:
                continue
            if cut[0] >= end:
                break
            if cut[0] > start:
                left.append(Interval(start, cut[0]))
            start = cut[1]
        if start < end:
            left.append(Interval(start, end))
    return left


def intersect(a: Iterable[Interval], b: Iterable[Interval]) -> list[Interval]:
    """The part of each interval of `a` that lies in `b`, in order; adjoining intervals are not joined."""
    windows = merge(b)
    return [clip(piece, window) for piece in a for window in windows if overlaps(piece, window)]
