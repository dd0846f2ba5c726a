"""Which web pages may call from a browser? Those of the origins on a list; without one, none (CORS)."""

from collections.abc import Collection, Sequence

from starlette.types import Scope

from interfaces.http.framework.responses import HttpResponse

METHODS = b"GET, POST, PUT, PATCH, DELETE"
SAID = b"authorization, content-type, daybook-position, idempotency-key, if-match, if-none-match, x-request-id"
TOLD = (
    b"daybook-position, etag, idempotency-replayed, location, ratelimit, ratelimit-policy, retry-after, "
    b"www-authenticate, x-request-id"
)
REMEMBERED = b"600"  # seconds for which a browser need not ask again


class Origins:
    """Never with credentials: who asks is in the Authorization header, which a page must set itself."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(each.encode() for each in allowed)

    def told(self, scope: Scope) -> Sequence[tuple[bytes, bytes]]:
        """The headers by which the asking page may see the answer; to others they say nothing."""
        if not self._allowed:
            return ()
        differs = (b"vary", b"origin")
        origin = _header(scope, b"origin")
        if origin not in self._allowed:
            return (differs,)
        shown = (b"access-control-expose-headers", TOLD)
        return (differs, (b"access-control-allow-origin", origin), shown)

    def preflight(self, scope: Scope) -> HttpResponse | None:
        """The answer to a browser that asks whether a page may; None for every other request."""
        if scope["method"] != "OPTIONS" or not _header(scope, b"access-control-request-method"):
            return None
        if _header(scope, b"origin") not in self._allowed:
            return None
        said = {
            b"access-control-allow-methods": METHODS,
            b"access-control-allow-headers": SAID,
            b"access-control-max-age": REMEMBERED,
        }
        return HttpResponse(204, b"", said)


def _header(scope: Scope, sought: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == sought), b"")
