"""Refusals of the server: problems that it writes to the wire itself, since no request reaches the app."""

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from interfaces.http.framework.errors import answer_to
from interfaces.http.framework.middleware import SAFE

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
    headers = [*answer.raw_headers, *(each for each in SAFE.items() if each[0] not in names), (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % each for each in headers)
    return STATUS_LINE[answer.status_code] + lines + b"\r\n" + bytes(answer.body)
