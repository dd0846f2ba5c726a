"""What is personal in a row, sealed under one key: AES-256-GCM, bound to the person and to its place."""

import json
import os
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes


class Seals:
    """application.ports.Seals. `key`: 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    async def seal(self, subject: UUID, value: Any, place: bytes) -> bytes:
        """See the port."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(value).encode(), subject.bytes + place)

    async def unseal(self, subject: UUID, sealed: bytes, place: bytes) -> Any:
        """See the port."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], subject.bytes + place)
        except InvalidTag:
            return None
        return json.loads(opened)
