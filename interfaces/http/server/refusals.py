"""Refusals of the server: problems that it writes to the wire itself, since no request reaches the app."""

from collections.abc import Iterable

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from interfaces.http.framework.errors import answer_to
from interfaces.http.framework.middleware import SAFE
from interfaces.http.framework.responses import HttpResponse

CLOSE = (b"connection", b"close")
REFUSED = Counter("daybook_http_refused", "Requests and connections that the server refused", ["reason"])
REFUSED.labels("connections")


class Refused(Exception):
    """Raised within a callback of the parser, which then stops. `refusal`: the problem to answer with."""

    def __init__(self, refusal: Exception) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def written(refusal: Exception) -> bytes:
    """The bytes of a problem on a connection that ends with it."""
    answer = answer_to(refusal)
    names = {name for name, _ in answer.raw_headers}
    headers = [*answer.raw_headers, *(each for each in SAFE.items() if each[0] not in names), CLOSE]
    return on_the_wire(answer, headers)


def on_the_wire(answer: HttpResponse, headers: Iterable[tuple[bytes, bytes]], *, body: bool = True) -> bytes:
    """The bytes of an answer with these headers. `body`: its body too, which HEAD does without."""
    lines = b"".join(b"%s: %s\r\n" % each for each in headers)
    return STATUS_LINE[answer.status_code] + lines + b"\r\n" + (bytes(answer.body) if body else b"")
