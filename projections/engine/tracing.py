"""Spans of OpenTelemetry, which cost next to nothing while no tracing is set up, and their links to requests.

The trace of a request has the request's id. An event, a job or a log line that knows the id therefore knows the trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from uuid import UUID

from opentelemetry import trace

MOST_LINKS = 64  # requests that one span links to
TRACER = trace.get_tracer("daybook")
_SPAN_BITS = (1 << 64) - 1


def context_of(request_id: str) -> trace.SpanContext | None:
    """The span that answers a request, by the request's id; None for an id that is no number of 128 bits."""
    try:
        number = UUID(hex=request_id).int
    except ValueError:
        return None
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    return trace.SpanContext(number, number & _SPAN_BITS, is_remote=True, trace_flags=flags)


@contextmanager
def span_of(name: str, request_ids: Iterable[str], **facts: str | int) -> Iterator[None]:
    """A span that links to requests. `request_ids`: read only while tracing; `facts`: nothing about a person.

    The text of an exception may be personal: the span has its type.
    """
    with TRACER.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
        if span.is_recording():
            span.set_attributes(dict(facts))
            for context in filter(None, map(context_of, islice(dict.fromkeys(request_ids), MOST_LINKS))):
                span.add_link(context)
        try:
            yield
        except Exception as error:
            mark_failed(error)
            raise


def mark_failed(error: Exception) -> None:
    """Give the current span the type of an error."""
    trace.get_current_span().set_status(trace.StatusCode.ERROR, type(error).__name__)


def request_ids(contexts: Iterable[str]) -> Iterator[str]:
    """The requests that the metadata of events name."""
    for context in contexts:
        if correlation := json.loads(context).get("correlation"):
            yield str(correlation)
