"""Events to bytes and back, in the format of the `eventsourcing` library, and the digest of each row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from json import dumps, loads
from json.encoder import encode_basestring
from struct import Struct
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, JSONTranscoder, UUIDAsHex
from eventsourcing.utils import get_topic, resolve_topic

import domain  # noqa: F401  registers every topic, so that any event of the log can be read
from application.event_log import IdempotencyKey, Request
from domain.errors import Invalid
from domain.kernel import Aggregate, new_id
from domain.personal_data import PersonalData
from infrastructure.privacy.field_encryption import (
    decrypt_in_place,
    encrypt_field,
    encrypted_field,
    personal_fields,
    personal_of,
    place_of,
)
from infrastructure.privacy.master_keys import MasterKeys, WrappedKey

_LENGTH = Struct(">q").pack


class EventRow(NamedTuple):
    """One event as it is stored. `state` is JSON in UTF-8, `metadata` JSON text, `digest` 32 bytes."""

    stream: UUID
    version: int
    topic: str
    state: bytes
    id: UUID
    metadata: str
    digest: bytes


def _transcoder() -> JSONTranscoder:
    transcoder = JSONTranscoder()
    for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO()):
        transcoder.register(transcoding)
    return transcoder


_by_library: Callable[[Any], str] = _transcoder().encoder.encode

# The library's encoder serves every field, but takes longer over these; a test compares the bytes.
_FAST: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    UUID: lambda id: f'{{"_type_":"uuid_hex","_data_":"{id.hex}"}}',
    datetime: lambda at: f'{{"_type_":"datetime_iso","_data_":"{at.isoformat()}"}}',
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}


def _other(value: Any) -> str:
    return encode_basestring(value) if isinstance(value, str) else _by_library(value)  # the members of a StrEnum


def _dict_text(fields: dict[Any, Any]) -> str:
    try:
        pairs = [f"{encode_basestring(name)}:{_FAST.get(type(value), _other)(value)}" for name, value in fields.items()]
    except TypeError:  # a name that is not text
        return _by_library(fields)
    return f"{{{','.join(pairs)}}}"


_FAST[dict] = _dict_text
_FAST[list] = lambda values: f"[{','.join([_FAST.get(type(value), _other)(value) for value in values])}]"


def state_text(fields: dict[str, Any]) -> str:
    """An event's fields as JSON, byte for byte as the library writes them."""
    return _dict_text(fields)


def encode(event: Any, metadata: str, keys: Mapping[UUID, bytes] = MappingProxyType({})) -> EventRow:
    """The row of an event; raises Invalid for text that UTF-8 can't hold (lone surrogates).

    `keys`: of the persons in it, whose personal data this encrypts.
    """
    state = dict(vars(event))
    stream, version = state.pop("originator_id"), state.pop("originator_version")
    kind = type(event)
    if (class_version := getattr(kind, "class_version", 1)) > 1:
        state["class_version"] = class_version
    try:
        for name in personal_fields(kind):
            if state[name] is not None:
                state[name] = encrypt_field(state[name], keys, place_of(stream, version, name))
        encoded = state_text(state).encode()
    except UnicodeEncodeError:
        raise Invalid("Text must be Unicode without lone surrogates.") from None
    topic, id = get_topic(kind), new_id()
    return EventRow(
        stream, version, topic, encoded, id, metadata, digest(id, stream, version, topic, encoded, metadata)
    )


def decode(topic: str, state: bytes, stream: UUID, version: int) -> Any:
    """The domain event of a stored row, upcast to the present version of its class.

    Upcasters change the parsed state, as in the library: times and ids are typed, personal fields still encrypted.
    """
    kind = resolve_topic(topic)
    event = object.__new__(kind)
    fields = event.__dict__
    for name, value in loads(state).items():
        fields[name] = _typed(value) if type(value) in _NESTED else value
    recorded, present = fields.pop("class_version", 1), getattr(kind, "class_version", 1)
    for known in range(recorded, present):
        getattr(kind, f"upcast_v{known}_v{known + 1}")(fields)
    fields.update(originator_id=stream, originator_version=version)
    for name in personal_fields(kind):
        if (field := fields[name]) is not None:
            fields[name] = encrypted_field(field, place_of(stream, version, name))
    return event


class EventCodec:
    """Decodes events for projections, which may read personal data."""

    def __init__(self, masters: MasterKeys) -> None:
        self._masters = masters

    def decode(self, topic: str, state: bytes, stream: UUID, version: int) -> object:
        """The event of a stored row, its personal data still encrypted."""
        return decode(topic, state, stream, version)

    def personal(self, events: Iterable[object]) -> Collection[PersonalData]:
        """All personal data in the events."""
        return list(personal_of(events))

    def open(self, personal: Iterable[PersonalData], wrapped: Mapping[UUID, tuple[bytes, str]]) -> None:
        """Make the values readable, where their person's key is among the wrapped ones."""
        unwrap = self._masters.unwrap
        decrypt_in_place(personal, {subject: unwrap(subject, WrappedKey(*key)) for subject, key in wrapped.items()})


_NESTED = frozenset({dict, list})


def _typed(value: Any) -> Any:
    """As the library's transcoder, for the same three types, in fewer calls."""
    if type(value) is list:
        return [_typed(each) if type(each) in _NESTED else each for each in value]
    if len(value) == 2 and "_type_" in value and "_data_" in value:
        return _DECODE[value["_type_"]](value["_data_"])
    return {name: _typed(each) if type(each) in _NESTED else each for name, each in value.items()}


_DECODE: dict[str, Callable[[str], Any]] = {
    "uuid_hex": lambda text: UUID(int=int(text, 16)),
    "datetime_iso": datetime.fromisoformat,
    "decimal_str": Decimal,
}


def digest(id: UUID, stream: UUID, version: int, topic: str, state: bytes, metadata: str) -> bytes:
    """SHA-256 over the row's parts, each of fixed length or preceded by its length."""
    name, context = topic.encode(), metadata.encode()
    return sha256(
        b"".join(
            (
                id.bytes,
                stream.bytes,
                _LENGTH(version),
                _LENGTH(len(name)),
                name,
                _LENGTH(len(state)),
                state,
                _LENGTH(len(context)),
                context,
            )
        )
    ).digest()


def seal_hash(
    previous: bytes, since: int, upto: int, at_micros: int, digests: bytes, keys: bytes | None = None
) -> bytes:
    """The hash that seals a batch: chained to the one before. `at_micros`: since 1970, UTC.

    `keys`: what the seal holds of the keys of commands (`sealed_keys`); None for seals of version 1.
    """
    sealed = _LENGTH(since) + _LENGTH(upto) + _LENGTH(at_micros)
    if keys is None:
        return sha256(previous + sealed + digests).digest()
    return sha256(b"daybook seal 2" + previous + sealed + keys + digests).digest()


def sealed_keys(upto: int, keys: bytes) -> bytes:
    """What a seal of version 2 holds of the keys of commands: the last one's number, and their digest."""
    return _LENGTH(upto) + keys


def evolve(aggregate: Any, events: list[Any]) -> Aggregate | None:
    """The aggregate after these events, the first of which follows its version (None: the stream's start)."""
    if aggregate is not None or not events:
        for event in events:
            aggregate = event.mutate(aggregate)
        return aggregate  # type: ignore[no-any-return]
    made: Aggregate = events[0].mutate(None)
    made.read_on(events[1:])
    return made


def metadata_of(request: Request, key: IdempotencyKey | None) -> str:
    """Who asked for what is recorded, and how: JSON, a field of each event."""
    by = request.by
    correlation = request.correlation or str(new_id())  # what nobody asked over HTTP is a request of its own
    metadata = f'{{"actor":"{by.id}","role":"{by.role.value}","correlation":{dumps(correlation)}'
    if key:
        metadata += f',"key":"{key.value.hex()}"'
    if request.cause:
        metadata += f',"cause":{dumps(request.cause)}'
    return f'{metadata},"via":"{by.via}","channel":"{request.channel.value}"}}'
