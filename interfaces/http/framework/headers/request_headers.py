"""The request headers that Daybook reads, each sent at most once."""

import hashlib
import re
from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel
from starlette.types import Scope

from application.event_log import IdempotencyKey
from domain.errors import Unauthenticated
from domain.log_position import position_of
from interfaces.http.framework.request_errors import KeyMissing, Malformed

LONGEST_CLIENT = 200  # bytes
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_SINGLE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"daybook-position",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
    }
)
Headers = Mapping[bytes, bytes]


def read_headers(scope: Scope) -> Headers:
    """The headers by name; raises Malformed for one that is sent twice."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _SINGLE:
            if name in found:
                raise Malformed(f"The header {name.decode()} was sent more than once.")
            found[name] = value
    return found


def bearer_token(headers: Headers, *, client: bool = False) -> str | None:
    """The token of the Authorization header, None without one; raises Unauthenticated.

    `client`: an OAuth 2 client may authenticate itself there (Basic). Daybook knows no clients, and ignores it.
    """
    value = headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(b" ")
    if client and scheme.lower() == b"basic":
        return None
    if scheme.lower() != b"bearer":
        raise Unauthenticated("The Authorization header must be `Bearer <token>`.")
    try:
        return token.strip().decode("ascii")
    except UnicodeDecodeError:
        raise Unauthenticated("The access token is not valid.") from None


def position(headers: Headers) -> int | None:
    """Daybook-Position: the position that an answer must include at least; raises Malformed."""
    value = headers.get(b"daybook-position")
    if value is None:
        return None
    found = position_of(value.decode("latin-1"))
    if found is None:
        raise Malformed("Daybook-Position must be a position from an earlier answer, such as 0.4711.")
    return found


def idempotency_key(scope: Scope, headers: Headers, account: UUID, body: BaseModel | None) -> IdempotencyKey | None:
    """Idempotency-Key, with a fingerprint of the request; None without one. Raises Malformed."""
    value = headers.get(b"idempotency-key")
    if value is None:
        return None
    if not _KEY.fullmatch(value):
        raise Malformed("Idempotency-Key must have 1 to 255 visible ASCII characters.")
    content = body.model_dump_json(exclude_unset=True).encode() if body is not None else b""
    target = f"{scope['method']} {scope['path']}\n".encode("utf-8", "backslashreplace")
    return IdempotencyKey(
        value=hashlib.sha256(account.bytes + value).digest(),
        fingerprint=hashlib.sha256(target + content).digest(),
    )


def require_idempotency_key(headers: Headers) -> None:
    """Raise KeyMissing without an Idempotency-Key."""
    if b"idempotency-key" not in headers:
        raise KeyMissing


def client_text(scope: Scope) -> str:
    """The printable start of User-Agent."""
    value = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    text = value[:LONGEST_CLIENT].decode("latin-1")
    return "".join(each for each in text if each.isprintable())
