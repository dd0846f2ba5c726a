"""Metrics of requests: how many, how they ended, how long they took, by operation. Paths and callers are no labels.

Of a stream, which has no end of its own, the time until it begins counts.
"""

from __future__ import annotations

import time
from functools import cache

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds. Cached free times take 1 ms, a booking alone 5 ms, requests under load 25 to 100 ms; 250 ms is the goal."""
UNROUTED = "unrouted"
"""The operation of a request that reached no route: an unknown path, or refused before."""
NOT_ALLOWED = 405
BROKEN_OFF = 499
"""The status of a request without an answer: its client went away."""

_REQUESTS = Counter("daybook_http_requests", "Requests answered", ["operation", "status"])
_SECONDS = Histogram(
    "daybook_http_request_duration_seconds",
    "Seconds from the head of a request to the end of its answer",
    ["operation"],
    buckets=BUCKETS,
)
_counter = cache(_REQUESTS.labels)
_timer = cache(_SECONDS.labels)


def measured(app: ASGIApp) -> ASGIApp:
    """The app, with each of its requests counted."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        began, status, started = time.perf_counter(), BROKEN_OFF, 0.0

        async def send_and_note(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], time.perf_counter()
            await send(message)

        try:
            await app(scope, receive, send_and_note)
        finally:
            operation = UNROUTED if status == NOT_ALLOWED else _operation(scope)
            _counter(operation, status).inc()
            ended = started if scope.get("endless") else time.perf_counter()
            _timer(operation).observe(ended - began)

    return answer


def note_refused(status: int) -> None:
    """Count a request that was answered at once, before it reached the app."""
    _counter(UNROUTED, status).inc()
    _timer(UNROUTED).observe(0.0)


def _operation(scope: Scope) -> str:
    """The operationId, or for a page the name of its function: both are few, and fixed by the code."""
    operation: str | None = scope.get("operation")
    if operation is not None:
        return operation
    endpoint = scope.get("endpoint")
    return UNROUTED if endpoint is None else getattr(endpoint, "__name__", type(endpoint).__name__)
