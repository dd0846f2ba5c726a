"""Load shedding: a request that admission control has no room for is refused with prepared bytes, without a task.

A refusal by the app costs a third of what an answer costs: at three times the capacity, refusals alone would fill the
processor.
"""

from functools import lru_cache
from typing import Any

from application.event_log import Overloaded, Unavailable
from interfaces.http.framework.errors import answer_to
from interfaces.http.framework.middleware import Envelope, request_id
from interfaces.http.framework.responses import HttpResponse
from interfaces.http.server.admission import Admission
from interfaces.http.server.refusals import on_the_wire
from interfaces.http.server.request_metrics import note_refused


class Shedding:
    """`envelope`: whose headers a refusal has too."""

    def __init__(self, admission: Admission, envelope: Envelope) -> None:
        self._admission, self._envelope = admission, envelope

    def refusal(self, scope: Any, more: list[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer to a request for which there is no room, with `more` headers; None for one that may try."""
        refusal = self._admission.refusal(scope["path"])
        if refusal is None:
            return None
        answer = _prepared(isinstance(refusal, Overloaded), str(refusal), refusal.retry_after)
        note_refused(answer.status_code)
        headers = self._envelope.headers(scope, request_id(scope), answer.raw_headers)
        return on_the_wire(answer, [*more, *headers], body=scope["method"] != "HEAD")


@lru_cache
def _prepared(overloaded: bool, detail: str, retry_after: int) -> HttpResponse:
    return answer_to((Overloaded if overloaded else Unavailable)(detail, retry_after))
