"""Sentry: each log line of level ERROR becomes an event of the server that SENTRY_DSN names.

An event is made of an allow list. No text of an exception, local variable, header, body or query leaves Daybook, since
they may be personal or secret. The request id of an event finds the log line that says more.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.crons import capture_checkin
from sentry_sdk.transport import HttpTransport
from sentry_sdk.utils import event_from_exception

from infrastructure.observability.outages import OutageFilter
from infrastructure.observability.versions import RELEASE

WITHHELD = "The text is not sent. The log line with this request id or time has it."
TAGS = (
    *("request_id", "operation", "projection", "position", "task", "kind", "key", "attempts", "child", "status"),
    *("signal", "outage", "sqlstate"),
)
"""The fields of a log line that an event has as tags: none of them holds a word of a person."""
BOTH = ("event_id", "timestamp", "platform", "release", "environment", "sdk")
CHECK_IN = (*BOTH, "type", "check_in_id", "monitor_slug", "monitor_config", "status")
EVENT = (*BOTH, "level", "logger", "logentry", "tags")
FRAME = ("filename", "function", "module", "lineno", "context_line", "pre_context", "post_context", "in_app")
MECHANISM = ("type", "handled", "exception_id", "parent_id", "is_exception_group")
FLUSH = 2.0  # seconds that the end of a process waits for its last events
QUEUE = 100  # events that wait while the server does not answer; Daybook drops the others
PER_MINUTE = 60  # events of a process; the log has the others
MONITORS: Mapping[str, Mapping[str, Any]] = {
    "beat": {"schedule": {"type": "interval", "value": 1, "unit": "minute"}, "checkin_margin": 2},
    "sweep": {"schedule": {"type": "interval", "value": 1, "unit": "minute"}, "checkin_margin": 2},
    "tidy": {"schedule": {"type": "crontab", "value": "17 * * * *"}, "checkin_margin": 10},
}
"""What Sentry expects to hear of: minutes within which beat and the tasks of beat report."""
EACH = 60.0  # seconds between two check-ins of a monitor, since Sentry counts in minutes

RINGS = ["domain", "application", "projections", "infrastructure", "interfaces"]
Event = Any  # the SDK's types are for type checkers alone, and private
_log = structlog.get_logger(__name__)


def start_sentry(dsn: str, environment: str, role: str, context: Callable[[], Mapping[str, str]] = dict) -> None:
    """Report the faults of this process from now on. `context`: more fields of every line, such as the request's id."""
    sentry_sdk.init(
        dsn,
        release=f"daybook@{RELEASE}",
        environment=environment,
        server_name="",
        default_integrations=False,
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        enable_backpressure_handling=False,
        spotlight=False,
        in_app_include=RINGS,
        transport=_Transport,
        transport_queue_size=QUEUE,
        shutdown_timeout=FLUSH,
        before_send=_allowed,
    )
    sentry_sdk.get_global_scope().set_tag("role", role)
    logging.getLogger().addHandler(_Faults(context))


def is_on() -> bool:
    """Whether this process reports its faults."""
    return sentry_sdk.is_initialized()


def report_crash(error: Exception) -> None:
    """Report what ends this process, and wait until the server has it, FLUSH seconds at most."""
    _send("process crashed", {}, "fatal", error)
    sentry_sdk.flush(FLUSH)


class Monitors:
    """Tells Sentry that beat and its tasks run, each at most once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[str, bool], float] = {}

    def check_in(self, name: str, *, ok: bool = True) -> None:
        """`name`: one of MONITORS; other names are not reported."""
        now, last = self._clock(), self._last.get((name, ok))
        if name in MONITORS and (last is None or now - last >= EACH):
            self._last[name, ok] = now
            monitor: Any = dict(MONITORS[name])
            capture_checkin(f"daybook-{name}", status="ok" if ok else "error", monitor_config=monitor)


class _Transport(HttpTransport):
    """Sends from a thread of its own, which starts with the first event."""

    def on_dropped_event(self, reason: str) -> None:
        _log.warning("events not sent to Sentry, the log has them", outage="sentry", reason=reason)


class _Faults(logging.Handler):
    """Sends the errors that pass through the log. `flush` is called at the end of the process."""

    def __init__(self, context: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(logging.ERROR)
        self._context = context
        self._sent: deque[float] = deque(maxlen=PER_MINUTE)
        self.addFilter(OutageFilter())
        self.addFilter(lambda record: not record.name.startswith(("sentry_sdk", "urllib3")))

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if len(self._sent) == PER_MINUTE and now - self._sent[0] < 60:
            return
        self._sent.append(now)
        line = record.msg if isinstance(record.msg, dict) else {}
        error = line.get("exc_info") or (record.exc_info and record.exc_info[1])
        # The text of our own lines is constant; that of a library may hold values.
        text = line.get("event") or f"error in {record.name}"
        level = "fatal" if record.levelno >= logging.CRITICAL else "error"
        _send(text, {**self._context(), **line, "logger": record.name}, level, _exception(error))

    def flush(self) -> None:
        sentry_sdk.flush(FLUSH)


def _exception(given: object) -> BaseException | None:
    """Of `exc_info` in each of its forms."""
    found = given[1] if isinstance(given, tuple) else given
    return found if isinstance(found, BaseException) else None


def _send(text: str, fields: Mapping[str, object], level: str, error: BaseException | None) -> None:
    event: Event = {}
    hint: Any = {}
    if error is not None:
        found, hint = event_from_exception(error, client_options=sentry_sdk.get_client().options)
        event |= found
        fields = {"sqlstate": getattr(getattr(error, "orig", error), "sqlstate", None), **fields}
    tags = {name: str(fields[name]) for name in TAGS if fields.get(name) not in {None, ""}}
    event |= {"level": level, "logger": fields.get("logger", ""), "logentry": {"message": text}, "tags": tags}
    sentry_sdk.capture_event(event, hint)


def _allowed(event: Event, _: object) -> Event:
    """An event with what may be sent, and nothing else, whatever the SDK has added."""
    if event.get("type") == "check_in":
        return {name: event[name] for name in CHECK_IN if name in event}
    kept = {name: event[name] for name in EVENT if name in event}
    if values := event.get("exception", {}).get("values"):
        kept["exception"] = {"values": [_without_text(each) for each in values]}
    return kept


def _without_text(exception: Event) -> Event:
    frames = (exception.get("stacktrace") or {}).get("frames") or []
    how = exception.get("mechanism") or {}
    mechanism = {name: how[name] for name in MECHANISM if name in how}
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "value": WITHHELD,
        "mechanism": mechanism,
        "stacktrace": {"frames": [_frame(each) for each in frames]},
    }


def _frame(frame: Event) -> Event:
    """A line of the trace, with its source. A path on this machine may hold the name of a person."""
    kept = {name: frame[name] for name in FRAME if name in frame}
    file = PurePath(str(kept.get("filename") or ""))
    return kept | {"filename": file.name if file.is_absolute() else str(file)}
