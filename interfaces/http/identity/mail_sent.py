"""The answer to a request whose outcome comes by mail: the same for every address."""

from pydantic_core import to_json

from interfaces.http.framework.fields import Shape
from interfaces.http.framework.responses import PRIVATE, HttpResponse


class MailSentResponse(Shape):
    """What happens next."""

    detail: str


def mail_sent(detail: str) -> HttpResponse:
    """202: the rest is done by a job."""
    return HttpResponse(202, to_json({"detail": detail}), {b"cache-control": PRIVATE})
