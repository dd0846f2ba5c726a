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
from interfaces.cli.reporting import start_reporting
from interfaces.http.main import create_app
from interfaces.http.server.configuration import limits_of, server_options


def application() -> ASGIApp:
    """The API on the settings of this process. Gunicorn calls this once in each worker process."""
    settings = settings_of(HOME.absolute())
    start_reporting(settings, "api")
    collect_rarely()
    return create_app(settings)


class DaybookWorker(UvicornWorker):  # type: ignore[misc]
    """A worker process: uvicorn with the options of `daybook api`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.CONFIG_KWARGS = server_options(limits_of(settings_of(HOME.absolute()).api_connections))
        super().__init__(*args, **kwargs)


class GunicornLogs(Logger):  # type: ignore[misc]
    """Gunicorn's own lines in the format of Daybook's."""

    def setup(self, cfg: Config) -> None:  # noqa: ARG002
        start_reporting(settings_of(HOME.absolute()), "gunicorn")
        self.error_log.propagate = True
        self.error_log.handlers.clear()
        self.access_log.disabled = True
