"""The free starts of a calendar on the slot grid, counted in microseconds since 1970."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from domain.scheduling.instants import MINUTE, micros
from domain.scheduling.interval import Interval, clip
from domain.scheduling.opening_hours import OpeningHours, openings
from domain.scheduling.slot_terms import SlotTerms
from domain.scheduling.wallclock import SUPPORTED


class Busy(NamedTuple):
    """Occupied time [since, until), buffers included. `session`: the start of a session of the service, else None.

    `seats`: how many of the session's seats are taken.
    """

    since: int
    until: int
    session: int | None
    seats: int = 1


def free_starts(offer: SlotTerms, hours: OpeningHours, busy: Sequence[Busy], within: Interval) -> list[tuple[int, int]]:
    """The starts in `within` that are open, on the grid and free, in order, each with its free seats."""
    within = clip(within, SUPPORTED)
    if within.empty:
        return []
    pieces = openings(hours, Interval(within.start, within.end + offer.length), offer.service_hours)
    grid = offer.grid(hours).starts(pieces, offer.length, within)
    capacity = offer.capacity
    if not busy:
        return [(start, capacity) for start in grid]
    blocked, taken = _blocked(offer, busy, within)
    free = _outside(blocked, grid)
    if not taken:
        return [(start, capacity) for start in free]
    return [(start, capacity - taken[start]) for start in free if taken[start] < capacity]


def _blocked(offer: SlotTerms, busy: Iterable[Busy], within: Interval) -> tuple[list[tuple[int, int]], Counter[int]]:
    """The stretches in which no start is free, sorted, and the seats taken of each group session.

    Both ends are open: a start on an edge only touches. A session blocks both sides of its own start.
    """
    before, length = offer.buffer_before * MINUTE, offer.duration * MINUTE
    after = length + offer.buffer_after * MINUTE
    first, last = micros(within.start) - before, micros(within.end) + after
    blocked: list[tuple[int, int]] = []
    taken: Counter[int] = Counter()
    for since, until, session, seats in busy:
        if since >= until or until <= first or since >= last:
            continue
        if session is not None and offer.capacity > 1:
            taken[session] += seats
            blocked += (since - after, session), (session, until + before)
        else:
            blocked.append((since - after, until + before))
    blocked.sort()
    return blocked, taken


def _outside(blocked: Sequence[tuple[int, int]], grid: Sequence[int]) -> list[int]:
    """The starts that lie strictly inside no blocked stretch."""
    free: list[int] = []
    upcoming = iter(blocked)
    ahead = next(upcoming, None)
    blocked_until = grid[0] if grid else 0
    for start in grid:
        while ahead is not None and ahead[0] < start:
            blocked_until = max(blocked_until, ahead[1])
            ahead = next(upcoming, None)
        if start >= blocked_until:
            free.append(start)
    return free
