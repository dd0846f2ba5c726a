"""Cross-origin requests (CORS): web pages of the listed origins may call the API from a browser."""

import re
from collections.abc import Collection, Sequence

from starlette.types import Scope

from interfaces.http.framework.responses import HttpResponse

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    b"authorization, content-type, daybook-position, idempotency-key, if-match, if-none-match, x-request-id"
)
RESPONSE_HEADERS = (
    b"daybook-position, etag, idempotency-replayed, location, ratelimit, ratelimit-policy, retry-after, "
    b"www-authenticate, x-request-id"
)
_LOCAL = re.compile(rb"https?://(localhost|[a-z0-9-]+\.localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
PREFLIGHT_CACHED = b"600"  # seconds


class Origins:
    """The allowed origins. Credentials are never allowed: a page sets the Authorization header itself.

    `local`: pages of this machine are allowed too, on any port.
    """

    def __init__(self, allowed: Collection[str] = (), *, local: bool = False) -> None:
        self._allowed = frozenset(each.encode() for each in allowed)
        self._local = local

    def _allows(self, origin: bytes) -> bool:
        return origin in self._allowed or (self._local and _LOCAL.fullmatch(origin) is not None)

    def headers_for(self, scope: Scope) -> Sequence[tuple[bytes, bytes]]:
        """The headers that let a page of an allowed origin read the answer."""
        if not self._allowed and not self._local:
            return ()
        differs = (b"vary", b"origin")
        origin = _header(scope, b"origin")
        if not self._allows(origin):
            return (differs,)
        exposed = (b"access-control-expose-headers", RESPONSE_HEADERS)
        return (differs, (b"access-control-allow-origin", origin), exposed)

    def preflight(self, scope: Scope) -> HttpResponse | None:
        """The answer to a preflight request of an allowed origin; None for every other request."""
        if scope["method"] != "OPTIONS" or not _header(scope, b"access-control-request-method"):
            return None
        if not self._allows(_header(scope, b"origin")):
            return None
        headers = {
            b"access-control-allow-methods": METHODS,
            b"access-control-allow-headers": REQUEST_HEADERS,
            b"access-control-max-age": PREFLIGHT_CACHED,
        }
        return HttpResponse(204, b"", headers)


def _header(scope: Scope, sought: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == sought), b"")
