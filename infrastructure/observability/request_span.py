"""The span of a request. It has ids that follow from the request's id, so that all that knows the id can link to it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from projections.engine.tracing import TRACER, context_of

wanted_context: ContextVar[trace.SpanContext | None] = ContextVar("wanted_context", default=None)
"""The ids that the next span is to have."""
_callers = TraceContextTextMapPropagator()


@contextmanager
def request_span(scope: MutableMapping[str, Any]) -> Iterator[None]:
    """The span of a request, in the trace that has its id; linked to the caller's trace if it sent one."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    caller = trace.get_current_span(_callers.extract(headers)).get_span_context()
    links = [trace.Link(caller)] if caller.is_valid else []
    token = wanted_context.set(context_of(scope["request_id"]))
    try:
        span = TRACER.start_span("request", context.Context(), kind=trace.SpanKind.SERVER, links=links)
    finally:
        wanted_context.reset(token)
    scope["trace_id"] = trace.format_trace_id(span.get_span_context().trace_id)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        finally:
            span.update_name(scope.get("operation") or "request")
            span.set_attribute("http.request.method", scope["method"])
            status = scope.get("status", 500)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(trace.StatusCode.ERROR)
