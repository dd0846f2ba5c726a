"""The log set-up: LOG_LEVEL, lines for people in a terminal, JSON otherwise."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from os import getpid
from typing import Any, TextIO

import structlog

from infrastructure.observability.outages import OutageFilter
from infrastructure.observability.versions import RELEASE, ZONES

_NOT_FOR_PEOPLE = {"logger", "pid", "actor", "version", "tzdata"}
FIRST = ("timestamp", "level", "role", "pid", "request_id", "operation", "actor", "event", "logger")
"""The keys that begin every line, in this order; the fields of the event follow."""
NOISE: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "alembic",
            "uvicorn.error",
            "psycopg.pool",
            "infrastructure.database.pool_waits",
            "celery",
            "kombu",
            "tornado",
            "flower",
            "starlette_admin",
        ),
        logging.WARNING,
    ),
    **dict.fromkeys(("httpx", "httpcore"), logging.WARNING),  # they write whole URLs, which may hold secrets
    "infrastructure.database.pool_waits": logging.WARNING,  # SQLAlchemy's pools, each time one is closed
    "urllib3": logging.ERROR,  # it warns of each attempt to reach Sentry; one line of ours says that it is away
    "flower.inspector": logging.ERROR,  # it warns of each method that no worker answers, at every start
}
"""The lowest level that passes of a library's logger."""

# Local variables hold tokens and people's names: they have no place in a log.
_WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_flushes: list[Callable[[], object]] = []
_log = structlog.get_logger(__name__)


def configure_logs(level: str, role: str, context: Callable[[], Mapping[str, str]] = dict) -> None:
    """Send structlog's, the standard library's and Python's own warnings to standard error, all alike.

    `role`: the kind of this process, in every line. `context`: more fields of every line, such as the request's id.
    """

    def add_context(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"role": role, "pid": getpid(), **context(), **event}

    shared: list[structlog.typing.Processor] = [
        add_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    outages = OutageFilter()
    logging.basicConfig(level=level, handlers=[_handler(shared, outages)], force=True)
    to_handler = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, outages, *shared, to_handler],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _quieten()


class _StandardError(logging.StreamHandler[TextIO]):
    """Standard error as it is at each line: a progress bar puts itself in its place, and shows lines above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        self.setStream(sys.stderr)
        super().emit(record)


def _handler(shared: list[structlog.typing.Processor], outages: OutageFilter) -> logging.Handler:
    """Standard error, for the lines of structlog and of all other loggers."""
    handler = _StandardError()
    handler.addFilter(outages)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(sys.stderr.isatty())],
        )
    )
    return handler


def log_start(address: str | None = None) -> None:
    """The line that every role begins with. `address`: the URL it listens on."""
    _log.info("daybook role started", version=RELEASE, tzdata=ZONES, **({"address": address} if address else {}))


def log_stop() -> None:
    """The line that every role ends with."""
    _log.info("daybook role stopped")
    flush_log()


def flush_log() -> None:
    """Wait until the handlers have passed all lines on: a process that ends by a signal does not do so by itself."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    for flush in _flushes:
        flush()


def at_stop(flush: Callable[[], object]) -> None:
    """Have `flush` called with the last lines."""
    _flushes.append(flush)


def _renderers(terminal: bool) -> Sequence[structlog.typing.Processor]:
    if terminal:
        return [
            _for_people,
            structlog.dev.ConsoleRenderer(
                exception_formatter=structlog.dev.plain_traceback, sort_keys=False, pad_event_to=0, pad_level=False
            ),
        ]
    exceptions = structlog.processors.ExceptionRenderer(_trace)
    return [exceptions, _in_order, structlog.processors.JSONRenderer()]


def _trace(exc_info: structlog.typing.ExcInfo) -> list[dict[str, Any]]:
    """The trace without values: further lines of a text have those of the row or the input that was refused."""
    trace = _WITHOUT_LOCALS(exc_info)
    _keep_first_lines(trace)
    return trace


def _keep_first_lines(trace: list[dict[str, Any]]) -> None:
    for error in trace:
        error["exc_value"] = error["exc_value"].partition("\n")[0]
        for grouped in error.get("exceptions", ()):
            _keep_first_lines(grouped)


def _for_people(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Short enough for a terminal of 80 columns: the time of day, the role first, no names of modules and processes."""
    shown = {key: value for key, value in event.items() if key not in _NOT_FOR_PEOPLE}
    if timestamp := shown.pop("timestamp", None):
        shown["timestamp"] = f"{timestamp[11:19]}Z"
    return shown


def _in_order(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    first = {key: event.pop(key) for key in FIRST if key in event}
    return {**first, **event}


def _quieten() -> None:
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", message=r"(?s)You're running the worker with superuser privileges")
    for name, lowest in NOISE.items():
        logging.getLogger(name).setLevel(lowest)
