"""Cursors of lists, encrypted, each valid for one list with its filters."""

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interfaces.http.framework.request_errors import BadCursor

LONGEST = 2000  # characters
_NONCE = 12  # bytes


class Cursors:
    """Encrypts bookmarks, which may be people's names: URLs end up in the logs of proxies.

    `secret`: the same in every process of an installation; `previous`: the one before, whose cursors still work.
    """

    def __init__(self, secret: str, previous: str | None = None) -> None:
        self._ciphers = [_cipher(each) for each in (secret, previous) if each]

    def seal(self, bookmark: str | None, of: str) -> str | None:
        """The cursor of a bookmark into the list `of` (its operation and filters); None at the end."""
        if bookmark is None:
            return None
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[0].encrypt(nonce, bookmark.encode(), _place(of))
        return _text(nonce + sealed)

    def open(self, cursor: str | None, of: str) -> str | None:
        """The bookmark in a cursor; raises BadCursor for a forged one and for one of another list."""
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor[:LONGEST] + "=" * (-len(cursor) % 4))
            if _text(raw) != cursor:
                raise BadCursor
        except ValueError:
            raise BadCursor from None
        for cipher in self._ciphers:
            with suppress(ValueError, InvalidTag):
                return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _place(of)).decode()
        raise BadCursor


def _cipher(secret: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"cursor:" + secret.encode()).digest())


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _place(of: str) -> bytes:
    return of.encode("utf-8", "backslashreplace")
