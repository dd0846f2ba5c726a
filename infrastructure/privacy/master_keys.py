"""Master keys, which encrypt the key of each person. Imports no domain: the settings of every process need them."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes


class UnknownMasterKey(Exception):
    """A value was encrypted with a key other than MASTER_KEY and MASTER_KEY_PREVIOUS, or changed since."""


class WrappedKey(NamedTuple):
    """A person's key, encrypted by the master key whose fingerprint is `master`."""

    key: bytes
    master: str


class MasterKeys:
    """The key that encrypts all others, and its predecessor while keys are being rotated."""

    def __init__(self, current: str, previous: str | None = None) -> None:
        self.current = _fingerprint(current)
        self._ciphers = {_fingerprint(each): _cipher(each) for each in (current, previous) if each}

    def wrap(self, subject: UUID, key: bytes) -> WrappedKey:
        """The subject's key, encrypted by the current master key and bound to the subject."""
        nonce = os.urandom(NONCE)
        encrypted = self._ciphers[self.current].encrypt(nonce, key, subject.bytes)
        return WrappedKey(nonce + encrypted, self.current)

    def unwrap(self, subject: UUID, wrapped: WrappedKey) -> bytes:
        """The subject's key; raises UnknownMasterKey."""
        cipher = self._ciphers.get(wrapped.master)
        if cipher is None:
            raise UnknownMasterKey(f"The key of {subject} was encrypted by another master key ({wrapped.master}).")
        try:
            return cipher.decrypt(wrapped.key[:NONCE], wrapped.key[NONCE:], subject.bytes)
        except InvalidTag:
            raise UnknownMasterKey(f"The key of {subject} has been changed.") from None


def _fingerprint(master: str) -> str:
    """Names a master key without revealing it."""
    return sha256(b"daybook master key mark" + master.encode()).hexdigest()[:16]


def _cipher(master: str) -> AESGCM:
    return AESGCM(sha256(b"daybook master key" + master.encode()).digest())
