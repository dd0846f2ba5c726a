"""The API under gunicorn: the application, the worker class with the bounds of `daybook api`, and the logs."""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from starlette.types import ASGIApp
from uvicorn_worker import UvicornWorker

from infrastructure.gc_tuning import collect_rarely
from infrastructure.local.home import HOME
from infrastructure.local.instance import settings_of
from infrastructure.observability.metric_folder import FOLDER
from infrastructure.observability.metrics import serve_metrics
from infrastructure.settings import Settings, inherited, without_superuser
from interfaces.cli.api_server import app_of
from interfaces.cli.failures import failure_of
from interfaces.cli.reporting import start_reporting
from interfaces.http.server.configuration import limits_of, server_options


def checked_settings() -> Settings:
    """The settings of gunicorn's processes. Wrong ones end the process, with what is wrong as its last words."""
    try:
        return without_superuser(settings_of(HOME.absolute()))
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        sys.stderr.write(f"{failure.text}\n")
        raise SystemExit(failure.status) from None


def application() -> ASGIApp:
    """The API on the settings of this process. Gunicorn calls this once in each worker process."""
    settings = checked_settings()
    start_reporting(settings, "api")
    collect_rarely()
    return app_of(settings)


def serve_own_metrics() -> None:
    """Serve the metrics of all worker processes, if METRICS_PORT is set. For gunicorn's master."""
    settings = settings_of(HOME.absolute())
    if settings.metrics_port:
        serve_metrics(settings.metrics_host, settings.metrics_port, inherited().get(FOLDER))


class DaybookWorker(UvicornWorker):  # type: ignore[misc]
    """A worker process: uvicorn with the options of `daybook api`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.CONFIG_KWARGS = server_options(limits_of(checked_settings().api_connections))
        super().__init__(*args, **kwargs)


class GunicornLogs(Logger):  # type: ignore[misc]
    """Gunicorn's own lines in the format of Daybook's."""

    def setup(self, cfg: Config) -> None:  # noqa: ARG002
        start_reporting(checked_settings(), "gunicorn")
        self.error_log.propagate = True
        self.error_log.handlers.clear()
        self.access_log.disabled = True
