"""Cursors: where a list goes on, opaque and signed, good for one list with its filters only."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from interfaces.http.refusal import BadCursor

LONGEST = 2000  # characters
_SEAL = 16  # bytes


class Cursors:
    """Seals bookmarks. `secret`: the same in every process of an installation."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"cursor:" + secret.encode()).digest()

    def seal(self, bookmark: str | None, of: str) -> str | None:
        """The cursor of a bookmark into the list `of` (its operation and filters); None at the end."""
        if bookmark is None:
            return None
        told = bookmark.encode()
        return urlsafe_b64encode(self._seal(told, of) + told).decode().rstrip("=")

    def open(self, cursor: str | None, of: str) -> str | None:
        """The bookmark in a cursor; raises BadCursor for a forged one, or one of another list."""
        if cursor is None:
            return None
        try:
            opened = urlsafe_b64decode(cursor[:LONGEST] + "=" * (-len(cursor) % 4))
            told = opened[_SEAL:].decode()
        except ValueError:
            raise BadCursor from None
        if not hmac.compare_digest(opened[:_SEAL], self._seal(told.encode(), of)):
            raise BadCursor
        return told

    def _seal(self, told: bytes, of: str) -> bytes:
        return hmac.digest(self._key, of.encode("utf-8", "backslashreplace") + b"\0" + told, "sha256")[:_SEAL]
