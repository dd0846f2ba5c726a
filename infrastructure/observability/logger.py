"""Logs and metrics: readable in a terminal, JSON otherwise."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

# Local variables hold tokens and people's names: they have no place in a log.
_WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def configure_logs(level: str, context: Callable[[], Mapping[str, str]] = dict) -> None:
    """Send structlog's and the standard library's logs to standard error, alike.

    `context`: what each line tells besides, such as the request's id.
    """

    def add_context(_: Any, __: str, said: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {**context(), **said}

    shared: list[structlog.typing.Processor] = [
        add_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer()
    )
    failures = [] if terminal else [structlog.processors.ExceptionRenderer(_WITHOUT_LOCALS)]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *failures, last],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    for chatty in ("alembic", "uvicorn.error", "psycopg.pool", "celery", "kombu", "tornado"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def serve_metrics(host: str, port: int, of_all_in: str | None = None) -> int:
    """Serve /metrics on its own port (0: any free one) and answer with it.

    `of_all_in`: the folder in which several processes keep theirs (PROMETHEUS_MULTIPROC_DIR).
    """
    if of_all_in is None:
        server, _ = start_http_server(port, host)
    else:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=of_all_in)  # type: ignore[no-untyped-call]
        server, _ = start_http_server(port, host, registry)
    return int(server.server_port)
