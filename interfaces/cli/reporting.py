"""Where a process says what happens in it: its log, and Sentry if SENTRY_DSN is set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infrastructure.settings import Settings

TRACED = {"api", "projector", "worker"}

# The SDK of Sentry takes some MB and a moment to load: only a process that uses it does.


def start_reporting(settings: Settings, role: str) -> None:
    """Set up the log, and send errors to Sentry from now on."""
    from infrastructure.observability.logger import configure_logs
    from interfaces.request_id import request_log_fields

    configure_logs(settings.log_level, role, request_log_fields)
    if settings.sentry_dsn is not None:
        _start_sentry(settings, role)
    if settings.tracing_url and role in TRACED:
        _start_tracing(settings, role)


def report_crash(error: Exception) -> None:
    """Send what ends this process to Sentry, if SENTRY_DSN is set. The log of a command is its standard error."""
    from infrastructure.settings import Settings

    try:
        settings = Settings()
    except ValueError:  # wrong settings are not a crash, and name no server
        return
    if settings.sentry_dsn is None:
        return
    from infrastructure.observability import sentry

    if not sentry.is_on():
        _start_sentry(settings, "cli")
    sentry.report_crash(error)


def watch_beat_of(settings: Settings) -> None:
    """Let Sentry, if SENTRY_DSN is set, know that beat runs."""
    if settings.sentry_dsn is not None:
        from infrastructure.observability.sentry import Monitors
        from interfaces.worker.monitors import watch_beat

        watch_beat(Monitors().check_in)


def _start_sentry(settings: Settings, role: str) -> None:
    from infrastructure.observability.sentry import start_sentry
    from interfaces.request_id import request_log_fields

    assert settings.sentry_dsn is not None
    environment = settings.sentry_environment or settings.mode
    start_sentry(settings.sentry_dsn.get_secret_value(), environment, role, request_log_fields)


def _start_tracing(settings: Settings, role: str) -> None:
    try:
        from infrastructure.observability.tracing import start_tracing
    except ImportError:
        sys.stderr.write("TRACING_URL needs more packages. Run `uv sync --extra tracing`.\n")
        raise SystemExit(2) from None
    start_tracing(settings.tracing_url, settings.sentry_environment or settings.mode, role)
