"""The id of the request or job that this task works for: in log lines, answers and events."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_log_fields() -> Mapping[str, str]:
    """The fields of every log line of a request or job: its id."""
    current = request_id.get()
    return {"request_id": current} if current else {}
