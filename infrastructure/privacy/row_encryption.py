"""Encryption of the personal data in rows beside the log, under that person's own key."""

from typing import Any, Protocol
from uuid import UUID


class RowEncryption(Protocol):
    """`place`: the row and column that the ciphertext is bound to."""

    async def encrypt(self, subject: UUID, value: Any, place: bytes) -> bytes: ...

    async def decrypt(self, subject: UUID, encrypted: bytes, place: bytes) -> Any:
        """None once the person is erased."""
        ...
