"""Encryption of personal fields: AES-256-GCM under each person's own key, bound to the field's place."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.personal_data import PersonalData
from infrastructure.privacy.master_keys import NONCE, UnknownMasterKey


def encrypt(key: bytes, value: Any, place: bytes) -> bytes:
    """The value as JSON, encrypted. Only the same `place` decrypts it."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, json.dumps(value, ensure_ascii=False).encode(), place)


def decrypt(key: bytes, encrypted: bytes, place: bytes) -> Any:
    """The value; raises UnknownMasterKey for another key or place."""
    try:
        return json.loads(AESGCM(key).decrypt(encrypted[:NONCE], encrypted[NONCE:], place))
    except InvalidTag:
        raise UnknownMasterKey("This value was encrypted with another key, or for another place.") from None


def place_of(stream: UUID, version: int, field: str) -> bytes:
    """A field's place in the log: stream, version and name."""
    return stream.bytes + version.to_bytes(8, "big") + field.encode()


def personal_fields(kind: type) -> tuple[str, ...]:
    """The names of an event class's fields that hold personal data."""
    known = _FIELDS.get(kind)
    if known is None:
        fields = getattr(kind, "__dataclass_fields__", {}).items()
        known = tuple(name for name, each in fields if PersonalData in (each.type, *get_args(each.type)))
        _FIELDS[kind] = known
    return known


_FIELDS: dict[type, tuple[str, ...]] = {}


def personal_of(events: Iterable[object]) -> Iterator[PersonalData]:
    """All personal data in these events."""
    for event in events:
        for name in personal_fields(type(event)):
            if (personal := getattr(event, name, None)) is not None:
                yield personal


def encrypt_field(personal: PersonalData, keys: Mapping[UUID, bytes], place: bytes) -> dict[str, str]:
    """The field in an event's JSON. Encrypts it in place, and drops the plain value."""
    if personal.sealed is None:
        personal.sealed, personal.place = encrypt(keys[personal.subject], personal.value, place), place
    assert personal.place == place, "one PersonalData belongs to one event"
    personal.value = None
    return {"personal": personal.subject.hex, "sealed": b64encode(personal.sealed).decode()}


def encrypted_field(field: Mapping[str, str], place: bytes) -> PersonalData:
    """The field from an event's JSON, still encrypted."""
    return PersonalData(UUID(hex=field["personal"]), None, b64decode(field["sealed"]), place)


def decrypt_in_place(personal: Iterable[PersonalData], keys: Mapping[UUID, bytes]) -> None:
    """Make the values readable. Those of erased persons, whose keys are missing, stay None."""
    for each in personal:
        if each.sealed is not None and (key := keys.get(each.subject)) is not None:
            each.value = decrypt(key, each.sealed, each.place)
