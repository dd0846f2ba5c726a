"""Seats of a Day, and the same seats counted by start, so that a session of many seats is looked at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Seat(NamedTuple):
    """The time [since, until), buffers included, that one taker occupies. `lane`: the number of its seat in a session.

    A seat with `expires_at` is free from then on, whether or not an event has recorded that.
    """

    taker: UUID
    service_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime
    lane: int = 0
    expires_at: datetime | None = None

    def lapsed(self, now: datetime) -> bool:
        """Whether the seat has expired."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def place(self) -> "Place":
        """What it has in common with the other seats of its group."""
        return self[1:5]


Place = tuple[UUID, datetime, datetime, datetime]
"""Service, start, and the time [since, until)."""


class SeatGroup(NamedTuple):
    """The seats of one service that begin at one start and occupy the same time.

    `lanes`: a bit for each lane of a seat that never expires; `permanent`: their number; `limited`: those that expire.
    """

    service_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime
    lanes: int
    permanent: int
    limited: tuple[Seat, ...]

    @classmethod
    def of(cls, seat: Seat) -> "SeatGroup":
        """A group with one seat."""
        if seat.expires_at is None:
            return cls(*seat.place, 1 << seat.lane, 1, ())
        return cls(*seat.place, 0, 0, (seat,))

    def live(self, now: datetime) -> list[Seat]:
        """The seats that expire, but have not yet."""
        return [seat for seat in self.limited if not seat.lapsed(now)]

    def having(self, seat: Seat) -> "SeatGroup":
        """With one more seat."""
        if seat.expires_at is None:
            return self._replace(lanes=self.lanes | 1 << seat.lane, permanent=self.permanent + 1)
        return self._replace(limited=(*self.limited, seat))

    def lacking(self, seat: Seat, seats: Mapping[UUID, Seat]) -> "SeatGroup | None":
        """Without one of its seats; None if it was the last. `seats`: all seats of the Day, that one left out."""
        if seat.expires_at is not None:
            rest = self._replace(limited=tuple(other for other in self.limited if other.taker != seat.taker))
        else:
            lanes = self.lanes & ~(1 << seat.lane)
            if self.lanes.bit_count() < self.permanent:  # two seats of a log may share a lane: the other one keeps it
                lanes = _lanes(seats, self)
            rest = self._replace(lanes=lanes, permanent=self.permanent - 1)
        return rest if rest.permanent or rest.limited else None


def _lanes(seats: Mapping[UUID, Seat], group: SeatGroup) -> int:
    lanes = 0
    for seat in seats.values():
        if seat.expires_at is None and seat.place == group[:4]:
            lanes |= 1 << seat.lane
    return lanes


def united(groups: Mapping[Place, SeatGroup], others: Mapping[Place, SeatGroup]) -> Mapping[Place, SeatGroup]:
    """The groups of two Days, each once though it may lie on both."""
    both = {**others, **groups}
    for place in groups.keys() & others.keys():
        one, other = groups[place], others[place]
        limited = {seat.taker: seat for seat in (*other.limited, *one.limited)}
        both[place] = one._replace(
            lanes=one.lanes | other.lanes,
            permanent=max(one.permanent, other.permanent),
            limited=tuple(limited.values()),
        )
    return both
