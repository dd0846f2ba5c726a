"""Arrays in PostgreSQL's binary format, of elements that are bytes already: cheaper than the driver's adaptation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct, pack
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = Struct(">iiIii").pack  # dimensions, has nulls, element type, length, first index
_LENGTH = Struct(">i").pack


class PgArray(bytes):
    """An array as it goes over the wire; a subclass for each element type."""

    ELEMENT: int
    ARRAY: int

    @classmethod
    def of(cls, items: Sequence[bytes]) -> PgArray:
        parts = [cls._head(len(items))]
        for item in items:
            parts += _LENGTH(len(item)), item
        return cls(b"".join(parts))

    @classmethod
    def _head(cls, length: int) -> bytes:
        return _HEAD(1, 0, cls.ELEMENT, length, 1) if length else _HEAD(0, 0, cls.ELEMENT, 0, 0)[:12]


class Bytea(PgArray):
    ELEMENT, ARRAY = 17, 1001


class Text(PgArray):
    ELEMENT, ARRAY = 25, 1009

    @classmethod
    def of_text(cls, items: Iterable[str]) -> PgArray:
        return cls.of([item.encode() for item in items])


class Uuid(PgArray):
    ELEMENT, ARRAY = 2950, 2951

    @classmethod
    def of_ids(cls, items: Iterable[UUID]) -> PgArray:
        return cls.of([item.bytes for item in items])


class Int4(PgArray):
    ELEMENT, ARRAY = 23, 1007

    @classmethod
    def of_numbers(cls, items: Sequence[int]) -> PgArray:
        pairs = [part for item in items for part in (4, item)]
        return cls(cls._head(len(items)) + pack(f">{2 * len(items)}i", *pairs))


class Int8(PgArray):
    ELEMENT, ARRAY = 20, 1016

    @classmethod
    def of_numbers(cls, items: Sequence[int]) -> PgArray:
        pairs = [part for item in items for part in (8, item)]
        return cls(cls._head(len(items)) + pack(">" + "iq" * len(items), *pairs))


class _BinaryDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: PgArray) -> bytes:
        return obj


for _kind in (Bytea, Text, Uuid, Int4, Int8):
    psycopg.adapters.register_dumper(_kind, type(f"{_kind.__name__}Dumper", (_BinaryDumper,), {"oid": _kind.ARRAY}))
