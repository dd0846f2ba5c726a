"""Arrays of ids, numbers and texts as PostgreSQL reads them: a page of events has thousands of values.

psycopg's own dumper asks for the type of each value; these lists know theirs.
"""

from collections.abc import Mapping
from functools import cache
from struct import Struct
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = Struct("!iiIii").pack  # dimensions, whether there are nulls, type of the values, length, lowest index
_NUMBER = Struct("!iq").pack
_ID_LENGTH = (16).to_bytes(4, "big")
_NULL = b"\xff\xff\xff\xff"


class UuidArray(list[Any]):
    """A uuid[], some of whose values may be None, or texts."""


class BigintArray(list[Any]):
    """A bigint[], some of whose values may be None."""


class TextArray(list[Any]):
    """A text[], some of whose values may be None."""


_BY_TYPE: Mapping[str, type[list[Any]]] = {"uuid": UuidArray, "bigint": BigintArray, "text": TextArray}


@cache
def array_of(sql_type: str) -> type[list[Any]]:
    """The class of the lists of values of an SQL type, such as uuid; the built-in one for those not named here."""
    return _BY_TYPE.get(sql_type.lower().partition(" ")[0], list)


class _UuidArrayDumper(Dumper):
    format, oid = Format.BINARY, psycopg.adapters.types["uuid"].array_oid

    def dump(self, obj: UuidArray) -> bytes:
        values = [_NULL if each is None else _ID_LENGTH + _id(each).bytes for each in obj]
        return _array(values, psycopg.adapters.types["uuid"].oid)


class _BigintArrayDumper(Dumper):
    format, oid = Format.BINARY, psycopg.adapters.types["int8"].array_oid

    def dump(self, obj: BigintArray) -> bytes:
        values = [_NULL if each is None else _NUMBER(8, each) for each in obj]
        return _array(values, psycopg.adapters.types["int8"].oid)


class _TextArrayDumper(Dumper):
    format, oid = Format.BINARY, psycopg.adapters.types["text"].array_oid

    def dump(self, obj: TextArray) -> bytes:
        texts = [None if each is None else each.encode() for each in obj]
        values = [_NULL if each is None else len(each).to_bytes(4, "big") + each for each in texts]
        return _array(values, psycopg.adapters.types["text"].oid)


def _id(value: UUID | str) -> UUID:
    """The profiles and terms of events hold ids as texts."""
    return value if type(value) is UUID else UUID(str(value))


def _array(values: list[bytes], oid: int) -> bytes:
    return _HEAD(1, 1, oid, len(values), 1) + b"".join(values)


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)
psycopg.adapters.register_dumper(BigintArray, _BigintArrayDumper)
psycopg.adapters.register_dumper(TextArray, _TextArrayDumper)
