"""Secrets that are shown once and stored as a hash: 256 random bits, so that one pass of SHA-256 is enough."""

import hashlib
import hmac
import secrets

LENGTH = 43  # characters


def new_secret() -> str:
    """256 random bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """The stored form."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def derived_key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for this purpose only."""
    return hmac.digest(secret.encode(), b"daybook:" + purpose.encode(), "sha256")
