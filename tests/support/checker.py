"""Does the whole log keep its promises? Recomputed from its events alone, by nobody's code but this.

I1  nothing is booked twice: by the Days, by the appointments and holds with their buffers, and both agree;
    what was kept for a while and is over is gone from the record on that gives its time to another;
    nothing is booked outside the hours, or on other terms, than those valid at its position
I2  an acknowledged answer has its events, and a key has one command
I3  read models equal a recomputation
I4  whoever was told something got it for a reason that the log knows, and that still stood when it was sent;
    what is noted as sent was sent (see tests/support/sends.py)
Besides: positions are gapless, and the seals chain.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from struct import pack
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from tests.support.recomputation import Agenda, Book, changes, records

CAUGHT_UP_WITHIN = 120.0  # seconds
SNAPSHOT = "-c default_transaction_isolation=repeatable\\ read -c app.scope=all"  # past the walls, for an owner too


class Stored(NamedTuple):
    """A row of `log.stored_events`."""

    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    id: UUID
    at: datetime
    metadata: str
    digest: bytes


class Seal(NamedTuple):
    """A row of `log.seal`."""

    since: int
    upto: int
    at: datetime
    hash: bytes
    keys_upto: int | None
    keys: bytes


class Kept(NamedTuple):
    """A row of `log.command_key`: what a command answered with."""

    key: bytes
    stream: UUID
    version: int
    position: int


class Occupancy(NamedTuple):
    """A row of a read model: who occupies which stretch of a calendar."""

    taker: UUID
    calendar: UUID
    since: datetime
    until: datetime
    lane: int


class Seat(NamedTuple):
    """A row of the availability's read model."""

    day: UUID
    taker: UUID
    since: datetime
    until: datetime
    expires_at: datetime | None


class Books(NamedTuple):
    """The log and the read models, all at one moment."""

    events: Sequence[Stored]
    seals: Sequence[Seal]
    keys: Sequence[Kept]
    bookmarks: Mapping[str, tuple[int, int | None]]
    agenda: Sequence[Agenda]
    occupancy: Sequence[Occupancy]
    seats: Sequence[Seat]


class Acknowledged(NamedTuple):
    """A 2xx answer to a write. `key`: the Idempotency-Key sent; `id`, `version`: of what it shows."""

    account: UUID
    key: str | None
    position: int
    id: UUID | None
    version: int | None


def check(superuser_dsn: str, acknowledged: Iterable[Acknowledged] = ()) -> Books:
    """Wait for the readers, then assert that everything holds; answers with what was looked at."""
    books = look(superuser_dsn)
    found = violations(books, acknowledged)
    assert not found, "\n".join(found[:20])
    return books


def violations(books: Books, acknowledged: Iterable[Acknowledged] = ()) -> list[str]:
    """What does not hold, in sentences; empty if all is well."""
    book = Book()
    found: list[str] = []
    for record in records(changes(books.events), {row.position for row in books.keys}):
        found += book.take(record)
    found += book.at_the_end()
    for rule in (_gapless, _versions, _sealed, _one_command_a_key):
        found += rule(books)
    found += _answered(books, acknowledged)
    found += _as_recomputed(books, book)
    return found


def look(superuser_dsn: str) -> Books:
    """Everything in one snapshot, as soon as all readers are at the head; fails if they don't get there."""
    until = time.monotonic() + CAUGHT_UP_WITHIN
    while True:
        books = _snapshot(superuser_dsn)
        head = len(books.events) and books.events[-1].position
        if all(mark == (head, None) for mark in books.bookmarks.values()):
            return books
        assert time.monotonic() < until, f"readers are at {books.bookmarks}, the log at {head}"
        time.sleep(0.05)


def _snapshot(dsn: str) -> Books:
    with psycopg.connect(dsn, options=SNAPSHOT) as connection:

        def rows(kind: Callable[..., Any], query: str, **names: str) -> list[Any]:
            identifiers = {name: sql.Identifier(value) for name, value in names.items()}
            return [kind(*row) for row in connection.execute(sql.SQL(query).format(**identifiers))]

        ((generation,),) = rows(lambda *row: row, "SELECT generation FROM read.live")
        live = f"read_{generation}"
        marks = rows(
            lambda reader, *mark: (reader, mark),
            "SELECT reader, position, stopped_at FROM read.live JOIN read.bookmark USING (generation)",
        )
        return Books(
            rows(Stored, _EVENTS),
            rows(Seal, "SELECT since, upto, at, hash, keys_upto, keys FROM log.seal ORDER BY upto"),
            rows(Kept, "SELECT key, stream, version, position FROM log.command_key"),
            dict(marks),
            rows(Agenda, _AGENDA, live=live),
            rows(Occupancy, _OCCUPANCY, live=live),
            rows(Seat, "SELECT day, taker, since, until, expires_at FROM {live}.vacancy_seat", live=live),
        )


_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state, event_id, recorded_at,
       metadata::text, digest
FROM log.stored_events ORDER BY notification_id"""
_AGENDA = """
SELECT id, version, status, service_id, provider_id, customer_id, starts_at, ends_at, price, currency
FROM {live}.appointment"""
_OCCUPANCY = "SELECT taker, calendar, lower(stretch), upper(stretch), lane FROM {live}.occupancy"


def _gapless(books: Books) -> Iterator[str]:
    for expected, event in enumerate(books.events, 1):
        if event.position != expected:
            yield f"position {event.position} stands where {expected} is due"
            return


def _versions(books: Books) -> Iterator[str]:
    last: Counter[UUID] = Counter()
    for event in books.events:
        if event.version != last[event.stream] + 1:
            yield f"{event.position}: version {event.version} of {event.stream} after {last[event.stream]}"
        last[event.stream] = event.version


def _sealed(books: Books) -> Iterator[str]:
    previous, events, upto = b"", iter(books.events), 0
    for seal in books.seals:
        batch = list(islice(events, max(0, seal.upto - seal.since + 1)))
        for event in batch:
            if event.digest != _digest(event):
                yield f"{event.position}: the digest is another event's"
            if event.at != seal.at:
                yield f"{event.position}: recorded at another time than its batch"
        micros = (seal.at - datetime.fromtimestamp(0, seal.at.tzinfo)) // timedelta(microseconds=1)
        digests = b"".join(event.digest for event in batch)
        told = previous + pack(">qqq", seal.since, seal.upto, micros)
        if seal.keys_upto is not None:  # release 0.1.0 sealed no keys
            told = b"daybook seal 2" + told + pack(">q", seal.keys_upto) + seal.keys
        told += digests
        if seal.since != upto + 1 or len(batch) != seal.upto - upto:
            yield f"the seal upto {seal.upto} does not follow {upto}"
        if seal.hash != hashlib.sha256(told).digest():
            yield f"the seal upto {seal.upto} does not hold"
        previous, upto = seal.hash, seal.upto
    if next(events, None) is not None:
        yield f"events after {upto} are not sealed"


def _digest(event: Stored) -> bytes:
    parts = [event.id.bytes, event.stream.bytes, pack(">q", event.version)]
    for text in (event.topic.encode(), bytes(event.state), event.metadata.encode()):
        parts += [pack(">q", len(text)), text]
    return hashlib.sha256(b"".join(parts)).digest()


def _one_command_a_key(books: Books) -> Iterator[str]:
    kept = {row.key.hex(): row for row in books.keys}
    positions: dict[str, list[int]] = defaultdict(list)
    for event in books.events:
        if key := json.loads(event.metadata).get("key"):
            positions[key].append(event.position)
    for key, found in positions.items():
        if found != list(range(found[0], found[-1] + 1)):
            yield f"key {key[:8]} has events at {found}: more than one command"
        if key not in kept:
            yield f"key {key[:8]} has events at {found}, but no kept answer"
        elif kept[key].position != found[-1]:
            yield f"key {key[:8]} has events at {found}, but keeps an answer of {kept[key].position}"


def _answered(books: Books, acknowledged: Iterable[Acknowledged]) -> Iterator[str]:
    head = len(books.events)
    kept = {row.key: row for row in books.keys}
    at = {(event.stream, event.version): event.position for event in books.events}
    for answer in acknowledged:
        if answer.position > head:
            yield f"answered {answer.position}, but the log ends at {head}"
        if answer.id is not None and answer.version is not None:
            recorded = at.get((answer.id, answer.version))
            if recorded is None or recorded > answer.position:
                yield f"answered {answer.id} at version {answer.version}, which is not in the log"
        if answer.key is not None:
            value = hashlib.sha256(answer.account.bytes + answer.key.encode()).digest()
            row = kept.get(value)
            if row is None or row.position != answer.position:
                yield f"answered key {answer.key} at {answer.position}, but kept is {row}"


def _as_recomputed(books: Books, book: Book) -> Iterator[str]:
    yield from _differences("agenda", books.agenda, book.agenda())
    seats = [Seat(day, s.taker, s.since, s.until, s.expires_at) for day, s in book.seats_by_day()]
    yield from _differences("availability", books.seats, seats)
    once = {Occupancy(s.taker, calendar, s.since, s.until, s.lane) for calendar, s in book.seats()}
    yield from _differences("occupancy", books.occupancy, sorted(once))


def _differences(name: str, there: Iterable[Any], due: Iterable[Any]) -> Iterator[str]:
    rows, wanted = Counter(there), Counter(due)
    for row in rows - wanted:
        yield f"{name} has a row that the log does not have: {row}"
    for row in wanted - rows:
        yield f"{name} lacks what the log has: {row}"
