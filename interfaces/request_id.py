"""The request or job that this task works for: its id is in log lines, answers and events."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from opentelemetry import trace

from application.jobs.job import Job

current_work: ContextVar[Mapping[str, Any]] = ContextVar("current_work", default=MappingProxyType({}))
"""A request's scope, or the same names for a job: `request_id`, `operation`, `caller`."""


def work_for(job: Job) -> None:
    """From now on, the current task works for a job."""
    current_work.set({"request_id": job.correlation, "operation": job.kind})


def request_log_fields() -> Mapping[str, str]:
    """The fields of every log line of a request or job: its id, what is done, and the id of the account that asked.

    While tracing, the id of the trace too.
    """
    work = current_work.get()
    actor = getattr(work.get("caller"), "id", None)
    span = trace.get_current_span().get_span_context()
    fields = {
        "request_id": work.get("request_id"),
        "operation": work.get("operation"),
        "actor": actor,
        "trace_id": trace.format_trace_id(span.trace_id) if span.is_valid else work.get("trace_id"),
    }
    return {name: str(value) for name, value in fields.items() if value}
