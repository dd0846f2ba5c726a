"""The API under gunicorn: the application, the worker class with the bounds of `daybook api`, and the logs."""

from __future__ import annotations

from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from starlette.types import ASGIApp
from uvicorn_worker import UvicornWorker

from infrastructure.gc_tuning import collect_rarely
from infrastructure.local.home import HOME
from infrastructure.local.instance import settings_of
from infrastructure.observability.logger import configure_logs
from infrastructure.observability.metric_folder import FOLDER
from infrastructure.observability.metrics import serve_metrics
from infrastructure.settings import inherited
from interfaces.http.main import create_app
from interfaces.http.server.configuration import limits_of, server_options
from interfaces.request_id import request_log_fields


def application() -> ASGIApp:
    """The API on the settings of this process. Gunicorn calls this once in each worker process."""
    settings = settings_of(HOME.absolute())
    configure_logs(settings.log_level, "api", request_log_fields)
    collect_rarely()
    return create_app(settings)


def serve_own_metrics() -> None:
    """Serve the metrics of all worker processes, if METRICS_PORT is set. For gunicorn's master."""
    settings = settings_of(HOME.absolute())
    if settings.metrics_port:
        serve_metrics(settings.metrics_host, settings.metrics_port, inherited().get(FOLDER))


class DaybookWorker(UvicornWorker):  # type: ignore[misc]
    """A worker process: uvicorn with the options of `daybook api`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.CONFIG_KWARGS = server_options(limits_of(settings_of(HOME.absolute()).api_connections))
        super().__init__(*args, **kwargs)


class GunicornLogs(Logger):  # type: ignore[misc]
    """Gunicorn's own lines in the format of Daybook's."""

    def setup(self, cfg: Config) -> None:  # noqa: ARG002
        configure_logs(settings_of(HOME.absolute()).log_level, "gunicorn", dict)
        self.error_log.propagate = True
        self.error_log.handlers.clear()
        self.access_log.disabled = True
