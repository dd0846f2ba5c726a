"""Tracing by OpenTelemetry: spans of requests, appends, pages of events and jobs, sent by OTLP over HTTP.

Needs the packages of the extra `tracing`. A span has no path, query, header or text of an exception.
"""

from __future__ import annotations

import logging

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from infrastructure.observability.logger import at_stop
from infrastructure.observability.request_span import wanted_context
from infrastructure.observability.versions import RELEASE

PATIENCE = 2  # seconds for the collector to take spans, also at the end of a process


class _RequestIds(RandomIdGenerator):
    """Ids by chance, but for the span of a request, whose ids follow from the request's id."""

    def generate_trace_id(self) -> int:
        wanted = wanted_context.get()
        return wanted.trace_id if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = wanted_context.get()
        return wanted.span_id if wanted else super().generate_span_id()


def start_tracing(url: str, environment: str, role: str) -> None:
    """Send the spans of this process to an OTLP endpoint from now on, and those of the processes that it forks."""
    names = {
        "service.name": "daybook",
        "service.version": RELEASE,
        "deployment.environment.name": environment,
        "daybook.role": role,
    }
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # spans that are lost, not each attempt to send them
    provider = TracerProvider(resource=Resource(names), id_generator=_RequestIds())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=PATIENCE)))
    trace.set_tracer_provider(provider)
    at_stop(lambda: provider.force_flush(PATIENCE * 1000))
