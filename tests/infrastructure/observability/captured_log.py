"""What the app logs while tests attack it, as its process would write it, and what no line may hold."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from infrastructure.observability.logger import configure_logs
from interfaces.request_id import request_log_fields
from tests.support.signing import PASSWORD

PERSONAL = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]+"  # an access token
    r"|[\w.+-]+@[\w-]+(\.[\w-]+)+"  # an address
    r"|(?<![\w-])\+\d{8,15}\b"  # a phone
    r"|\b(Ada|Grace|Lovelace|Hopper)\b"
    rf"|{re.escape(PASSWORD)}"
)


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """The log of this process, from DEBUG on, in a buffer; as before at the end."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = [*root.handlers], root.level
    configure_logs("DEBUG", "api", request_log_fields)
    logging.captureWarnings(capture=False)
    structlog.configure(cache_logger_on_first_use=False)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    buffer = io.StringIO()

    def emit(record: logging.LogRecord) -> None:
        buffer.write(handler.format(record) + "\n")

    handler.emit = emit  # type: ignore[method-assign]
    try:
        yield buffer
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**before)


def personal(text: str) -> list[Any]:
    """What in a log is about a person, or lets somebody in."""
    return [found[0] for found in PERSONAL.finditer(text)]
