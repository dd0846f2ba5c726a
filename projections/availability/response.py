"""A prepared answer: its starts are written as JSON once; each response only cuts off those that have passed."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from struct import Struct
from typing import NamedTuple, Self
from uuid import UUID

from domain.log_position import position_text
from domain.scheduling.availability import Start
from domain.scheduling.instants import SECOND
from domain.scheduling.slot_terms import SlotTerms

_HEADER = Struct("<qddqIII")
OPENING = b'{"starts":['
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class AvailabilityResponse(NamedTuple):
    """The response. `body`: compact JSON; `position`: of the log, as far as the response reflects it."""

    position: int
    as_of: datetime
    body: bytes


class PreparedAvailability:
    """The starts of one question at one position, apart from notice.

    Valid for `since` <= now < `until` (seconds since 1970: a booking window moves on at midnight) and until
    an event past `position` touches one of `ids`. `notice` is in seconds.
    """

    __slots__ = ("_items", "_offsets", "_starts", "ids", "notice", "position", "since", "timezone", "until")

    def __init__(
        self,
        position: int,
        ids: Sequence[bytes],
        since: float,
        until: float,
        notice: int,
        timezone: str,
        starts: "array[int]",
        offsets: "array[int]",
        items: bytes,
    ) -> None:
        self.position, self.ids = position, ids
        self.since, self.until = since, until
        self.notice, self.timezone = notice, timezone
        self._starts, self._offsets, self._items = starts, offsets, items

    @classmethod
    def of(
        cls,
        position: int,
        ids: Iterable[UUID],
        holds: tuple[float, float],
        offer: SlotTerms,
        timezone: str,
        offered: Sequence[tuple[int, UUID, int]],
    ) -> Self:
        """`offered`: start in microseconds, provider and free seats, sorted."""
        starts = array("q", [start // SECOND for start, _, _ in offered])
        lasts, notice = offer.duration * 60, offer.min_notice * 60
        providers = {id(provider_id): provider_id for _, provider_id, _ in offered}  # few: one object a calendar
        by = {key: f'"provider_id":"{provider_id}",' for key, provider_id in providers.items()}
        items = [
            _item(start, start + lasts, by[id(provider_id)], seats)
            for start, (_, provider_id, seats) in zip(starts, offered, strict=True)
        ]
        offsets = array("I", accumulate((len(item) + 1 for item in items[:-1]), initial=0) if items else ())
        joined = ",".join(items).encode()
        return cls(position, [id.bytes for id in ids], *holds, notice, timezone, starts, offsets, joined)

    def holds(self, now: float, at_least: int | None) -> bool:
        """Whether the answer is valid at `now` and not older than a position that the client has seen."""
        return self.since <= now < self.until and (at_least is None or at_least <= self.position)

    def answer(self, now: datetime, timezone: str | None) -> AvailabilityResponse:
        """The response at `now`; `timezone` is only stated in it."""
        past = bisect_left(self._starts, now.timestamp() + self.notice)
        left = self._items
        if past:
            left = left[self._offsets[past] :] if past < len(self._offsets) else b""
        end = ending(self.position, now, timezone or self.timezone)
        return AvailabilityResponse(self.position, now.replace(microsecond=0), b"".join((OPENING, left, end)))

    @property
    def size(self) -> int:
        """The approximate size in bytes."""
        return len(self._items) + 12 * len(self._starts) + 16 * len(self.ids) + 512

    def to_bytes(self) -> bytes:
        """Encode for another process of the same machine type; `from_bytes` decodes."""
        zone = self.timezone.encode()
        header = _HEADER.pack(
            self.position, self.since, self.until, self.notice, len(self.ids), len(self._starts), len(zone)
        )
        return b"".join((header, zone, *self.ids, self._starts.tobytes(), self._offsets.tobytes(), self._items))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        position, since, until, notice, ids, count, zone = _HEADER.unpack_from(data)
        starts, offsets = array("q"), array("I")
        at = _HEADER.size
        timezone = data[at : at + zone].decode()
        at += zone
        names = [data[n : n + 16] for n in range(at, at + 16 * ids, 16)]
        at += 16 * ids
        starts.frombytes(data[at : at + count * starts.itemsize])
        at += count * starts.itemsize
        offsets.frombytes(data[at : at + count * offsets.itemsize])
        at += count * offsets.itemsize
        return cls(position, names, since, until, notice, timezone, starts, offsets, data[at:])


def written(start: Start, of: str) -> str:
    """A start as JSON; `of`: further fields as JSON, each followed by a comma."""
    first, end, seats_left = start
    return _item(_seconds(first), _seconds(end), of, seats_left)


def _item(start: int, end: int, of: str, seats_left: int) -> str:
    return f'{{"start":"{_text(start)}","end":"{_text(end)}",{of}"seats_left":{seats_left}}}'


def ending(position: int, now: datetime, timezone: str) -> bytes:
    """The rest of an answer after its starts. `timezone`: a zone's name, which needs no escaping."""
    as_of = _text(_seconds(now))
    return f'],"timezone":"{timezone}","position":"{position_text(position)}","as_of":"{as_of}"}}'.encode()


def _seconds(moment: datetime) -> int:
    """Since 1970, whole ones."""
    return (moment - _EPOCH) // _SECOND


@lru_cache(maxsize=32_768)  # neighbouring answers have their times in common, and writing them is most of the work
def _text(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}Z"
