"""Sealing what is personal: AES-256-GCM under that person's own key, bound to its place in the log."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, get_args
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.personal_data import PersonalData

NONCE = 12  # bytes


class UnknownMasterKey(Exception):
    """It was sealed with a master key that is neither MASTER_KEY nor MASTER_KEY_PREVIOUS."""


class WrappedKey(NamedTuple):
    """A person's key, sealed by the master key whose mark is `master`."""

    key: bytes
    master: str


class MasterKeys:
    """The key that seals all others, and the one before it while keys are being rotated."""

    def __init__(self, current: str, previous: str | None = None) -> None:
        self.current = _mark(current)
        self._ciphers = {_mark(each): _cipher(each) for each in (current, previous) if each}

    def wrap(self, subject: UUID, key: bytes) -> WrappedKey:
        """A key sealed by the current master, for this subject alone."""
        nonce = os.urandom(NONCE)
        sealed = self._ciphers[self.current].encrypt(nonce, key, subject.bytes)
        return WrappedKey(nonce + sealed, self.current)

    def unwrap(self, subject: UUID, wrapped: WrappedKey) -> bytes:
        """The subject's key; raises Unreadable."""
        cipher = self._ciphers.get(wrapped.master)
        if cipher is None:
            raise UnknownMasterKey(f"The key of {subject} was sealed by another master key ({wrapped.master}).")
        try:
            return cipher.decrypt(wrapped.key[:NONCE], wrapped.key[NONCE:], subject.bytes)
        except InvalidTag:
            raise UnknownMasterKey(f"The key of {subject} has been changed.") from None


def _mark(master: str) -> str:
    """Tells which master key it was, and nothing about it."""
    return sha256(b"daybook master key mark" + master.encode()).hexdigest()[:16]


def _cipher(master: str) -> AESGCM:
    return AESGCM(sha256(b"daybook master key" + master.encode()).digest())


def seal(key: bytes, value: Any, place: bytes) -> bytes:
    """JSON, sealed where it stands: it can't be opened elsewhere."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, json.dumps(value, ensure_ascii=False).encode(), place)


def unseal(key: bytes, sealed: bytes, place: bytes) -> Any:
    """What was sealed; raises Unreadable for another key or place."""
    try:
        return json.loads(AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], place))
    except InvalidTag:
        raise UnknownMasterKey("This was sealed with another key, or for another place.") from None


def place_of(stream: UUID, version: int, field: str) -> bytes:
    """Where in the log a field is."""
    return stream.bytes + version.to_bytes(8, "big") + field.encode()


def personal_fields(kind: type) -> tuple[str, ...]:
    """The fields of an event class that hold something personal."""
    known = _FIELDS.get(kind)
    if known is None:
        fields = getattr(kind, "__dataclass_fields__", {}).items()
        known = tuple(name for name, each in fields if PersonalData in (each.type, *get_args(each.type)))
        _FIELDS[kind] = known
    return known


_FIELDS: dict[type, tuple[str, ...]] = {}


def personal_of(events: Iterable[object]) -> Iterator[PersonalData]:
    """Everything personal in these events."""
    for event in events:
        for name in personal_fields(type(event)):
            if (said := getattr(event, name, None)) is not None:
                yield said


def stored(said: PersonalData, keys: Mapping[UUID, bytes], place: bytes) -> dict[str, str]:
    """As it stands in an event's JSON. Seals it: the plain value is gone from here on."""
    if said.sealed is None:
        said.sealed, said.place = seal(keys[said.subject], said.value, place), place
    assert said.place == place, "one Personal belongs to one event"
    said.value = None
    return {"personal": said.subject.hex, "sealed": b64encode(said.sealed).decode()}


def restored(told: Mapping[str, str], place: bytes) -> PersonalData:
    """From an event's JSON, still sealed."""
    return PersonalData(UUID(hex=told["personal"]), None, b64decode(told["sealed"]), place)


def open_in_place(said: Iterable[PersonalData], keys: Mapping[UUID, bytes]) -> None:
    """Make the values readable, but of those whose key is gone."""
    for each in said:
        if each.sealed is not None and (key := keys.get(each.subject)) is not None:
            each.value = unseal(key, each.sealed, each.place)
