"""One line for an outage, however often a process meets it.

A line with the field `outage`, which names the server that is away, passes once. Its repetitions are dropped until it
has not come for QUIET seconds: then the server was there again. The same holds for what libraries say of connections.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from typing import Any

import structlog

QUIET = 60.0  # seconds
LIBRARIES = ("psycopg.pool", "celery", "kombu", "redis", "sqlalchemy.pool", "opentelemetry")


class OutageFilter(logging.Filter):
    """A processor of structlog, and a filter of the standard library's handlers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last: dict[Hashable, float] = {}

    def __call__(self, _: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        outage = event.get("outage")
        if outage is not None and self._is_repeated((outage, event["event"])):
            raise structlog.DropEvent
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line of a library passes; the values in its text do not make it another line."""
        ours = not record.name.startswith(LIBRARIES) or record.levelno < logging.WARNING
        return ours or not self._is_repeated((record.name, record.msg))

    def _is_repeated(self, key: Hashable) -> bool:
        now, last = self._clock(), self._last.get(key)
        self._last[key] = now
        return last is not None and now - last < QUIET
