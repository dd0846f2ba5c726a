"""Events and seals in the database's binary format: hashes are over the same bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import islice
from struct import Struct
from typing import Any, NamedTuple

from psycopg import AsyncConnection, AsyncServerCursor
from psycopg.types.string import ByteaBinaryLoader

_SEALS = """
    SELECT upto, since, at, hash, version::int8, keys_upto, keys FROM log.seal WHERE upto > %s ORDER BY upto"""
_KEYS = """
    SELECT number, key, fingerprint, stream, version, position, at
    FROM log.command_key WHERE number > %s ORDER BY number"""
_EVENTS = """
    SELECT notification_id, recorded_at, digest, event_id, originator_id, originator_version,
           topic, state, metadata::text
    FROM log.stored_events WHERE notification_id > %s ORDER BY notification_id"""
_PAGE = 1_000  # rows fetched at a time: a few milliseconds of work
_AS_SENT = ("int8", "text", "timestamptz", "uuid")
_NUMBER, _COUNT, _COLUMN = Struct(">q"), Struct(">i"), Struct(">Ii")
_KEY_TYPES = (17, 17, 2950, 20, 20, 1184)  # bytea, bytea, uuid, int8, int8, timestamptz
_EPOCH = 946_684_800_000_000  # microseconds from 1970, which seals count from, to PostgreSQL's 2000

Row = tuple[Any, ...]


class LedgerEvent(NamedTuple):
    """An event's row; None for NULL. `at`: when it was recorded."""

    number: bytes
    at: bytes | None
    digest: bytes | None
    id: bytes | None
    stream: bytes | None
    version: bytes | None
    topic: bytes | None
    state: bytes | None
    metadata: bytes | None

    @property
    def position(self) -> int:
        return number(self.number)

    def recomputed(self) -> bytes | None:
        """The digest as `event_codec.digest` computes it; None if a part of the event is NULL."""
        _, _, _, id, stream, version, topic, state, metadata = self
        if (
            id is None or stream is None or version is None
            or topic is None or state is None or metadata is None
        ):  # fmt: skip
            return None
        size = _NUMBER.pack
        name, context = size(len(topic)), size(len(metadata))
        parts = id, stream, version, name, topic, size(len(state)), state, context, metadata
        return sha256(b"".join(parts)).digest()


class LedgerSeal(NamedTuple):
    """A seal's row; None for NULL. `at`: the time of its events."""

    number: bytes
    first: bytes | None
    at: bytes | None
    hash: bytes | None
    rule: bytes | None
    last_key: bytes | None
    keys: bytes | None

    @property
    def version(self) -> int | None:
        """By whose rule it is verified."""
        return None if self.rule is None else number(self.rule)

    @property
    def keys_upto(self) -> int | None:
        """The number of the last command key that it covers."""
        return None if self.last_key is None else number(self.last_key)

    @property
    def upto(self) -> int:
        return number(self.number)

    @property
    def since(self) -> int | None:
        return None if self.first is None else number(self.first)

    @property
    def micros(self) -> int | None:
        return None if self.at is None else micros(self.at)

    def __str__(self) -> str:
        return f"seal {'?' if self.since is None else self.since}-{self.upto}"


class LedgerKey(NamedTuple):
    """The row of a command's key; None for NULL."""

    number_: bytes
    key: bytes | None
    fingerprint: bytes | None
    stream: bytes | None
    version: bytes | None
    position: bytes | None
    at: bytes | None

    @property
    def number(self) -> int:
        return number(self.number_)

    def sealed(self) -> bytes:
        """As `record_send` writes it: the number of columns, then type, length and value of each."""
        parts = [_COUNT.pack(len(_KEY_TYPES))]
        for kind, value in zip(_KEY_TYPES, self[1:], strict=True):
            parts += _COLUMN.pack(kind, -1 if value is None else len(value)), value or b""
        return b"".join(parts)


def micros(at: bytes) -> int:
    """Microseconds since 1970."""
    return number(at) + _EPOCH


def number(sent: bytes) -> int:
    """A bigint, or an instant's microseconds."""
    found: int = _NUMBER.unpack(sent)[0]
    return found


class LedgerPage:
    """The rows of one table after a position, in order, read in pages."""

    def __init__(self, cursor: AsyncServerCursor[Row]) -> None:
        self._cursor = cursor
        self._rows: Iterator[Row] = iter(())

    async def take(self, most: int) -> list[Row]:
        """The next rows, fewer than `most` where a page ends; none at the end."""
        rows = list(islice(self._rows, most))
        if not rows:
            self._rows = iter(await self._cursor.fetchmany(_PAGE))
            rows = list(islice(self._rows, most))
        return rows


class LedgerRows:
    """The events, the seals and the command keys after a position, in the caller's transaction."""

    def __init__(self, events: LedgerPage, seals: LedgerPage, keys: LedgerPage) -> None:
        self._events = events
        self._seals = seals
        self._keys = keys
        self._next_key: LedgerKey | None = None

    async def events(self, most: int) -> list[LedgerEvent]:
        """The next events, between one and `most`; none at the end."""
        return [LedgerEvent._make(row) for row in await self._events.take(most)]

    async def seal(self) -> LedgerSeal | None:
        """The next seal; None at the end."""
        for row in await self._seals.take(1):
            return LedgerSeal._make(row)
        return None

    async def keys(self, upto: int) -> list[LedgerKey]:
        """The next command keys up to a number."""
        found: list[LedgerKey] = []
        while (key := self._next_key or await self._key()) is not None and key.number <= upto:
            found.append(key)
            self._next_key = None
        self._next_key = key
        return found

    async def _key(self) -> LedgerKey | None:
        for row in await self._keys.take(1):
            return LedgerKey._make(row)
        return None


@asynccontextmanager
async def opened(connection: AsyncConnection, since: int, keys_since: int) -> AsyncIterator[LedgerRows]:
    """The log after a position, and the command keys after a number."""
    async with (
        connection.cursor("ledger_events") as events,
        connection.cursor("ledger_seals") as seals,
        connection.cursor("ledger_keys") as keys,
    ):
        yield LedgerRows(
            await page_of(events, _EVENTS, since),
            await page_of(seals, _SEALS, since),
            await page_of(keys, _KEYS, keys_since),
        )


async def page_of(cursor: AsyncServerCursor[Row], query: str, since: int) -> LedgerPage:
    """The rows of a query with one parameter, each value in bytes."""
    for kind in _AS_SENT:
        cursor.adapters.register_loader(kind, ByteaBinaryLoader)
    await cursor.execute(query.encode(), [since], binary=True)
    return LedgerPage(cursor)
