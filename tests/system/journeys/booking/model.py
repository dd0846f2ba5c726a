"""What a small shop should answer: two days, one service, computed in the plainest way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.system.journeys.town import at

DAYS = 2
STEP = timedelta(minutes=30)
Span = tuple[datetime, datetime]


@dataclass
class Booked:
    """An appointment, as it should be. `orphaned`: it has lain outside the hours, which a job records at any time."""

    id: str
    version: int
    start: datetime
    stretch: Span
    cancelled: bool = False
    orphaned: bool = False


@dataclass
class Model:
    """Open 09:00-17:00 unless closed, half an hour each, with buffers."""

    closed: set[int] = field(default_factory=set)
    time_off: dict[str, Span] = field(default_factory=dict)
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)
    booked: dict[str, Booked] = field(default_factory=dict)

    def stretch(self, start: datetime) -> Span:
        return start - self.before, start + STEP + self.after

    def rule(self, start: datetime, instead_of: str | None = None) -> str | None:
        """The rule against a start, None if it is offered. `instead_of`: an appointment to move there."""
        wanted = start, start + STEP
        if not _inside(wanted, self._openings(off=True)):
            return "time-off" if _inside(wanted, self._openings(off=False)) else "closed"
        if not any(a <= start < b and not (start - a) % STEP for a, b in self._openings(off=True)):
            return "grid"
        others = [b for b in self.booked.values() if not b.cancelled and b.id != instead_of]
        if any(_overlap(self.stretch(start), other.stretch) for other in others):
            return "taken"
        return None

    def note_orphans(self) -> None:
        """To be called after each change of the hours."""
        for each in self.booked.values():
            if not each.cancelled and not _inside((each.start, each.start + STEP), self._openings(off=True)):
                each.orphaned = True

    def offered(self) -> list[datetime]:
        """All starts that are offered."""
        minutes = range(0, DAYS * 24 * 60, 15)
        every = (at("00:00") + timedelta(minutes=n) for n in minutes)
        return [start for start in every if self.rule(start) is None]

    def _openings(self, *, off: bool) -> list[Span]:
        pieces = [(at("09:00", day), at("17:00", day)) for day in range(DAYS) if day not in self.closed]
        for gone in self.time_off.values() if off else ():
            pieces = [part for piece in pieces for part in _without(piece, gone)]
        return pieces


def _without(piece: Span, gone: Span) -> list[Span]:
    if not _overlap(piece, gone):
        return [piece]
    parts = [(piece[0], gone[0]), (gone[1], piece[1])]
    return [(a, b) for a, b in parts if a < b]


def _inside(wanted: Span, pieces: list[Span]) -> bool:
    return any(a <= wanted[0] and wanted[1] <= b for a, b in pieces)


def _overlap(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]
