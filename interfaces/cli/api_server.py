"""The API under uvicorn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import psycopg
import structlog
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from infrastructure.gc_tuning import collect_rarely
from infrastructure.observability.logger import log_start, log_stop
from infrastructure.settings import Settings
from interfaces.http.server.configuration import limits_of, server_options
from interfaces.http.server.limits import ServerLimits

CONNECT_WITHIN = 10  # seconds
log = structlog.get_logger(__name__)


def serve(settings: Settings, port: int, fd: int | None) -> None:
    """Serve until SIGTERM. `fd`: an inherited listening socket. Raises psycopg.Error without a migrated database."""
    from interfaces.http.operations.health import drain

    _require_database(settings)
    limits, app = limits_of(settings.api_connections), app_of(settings)
    config = config_of(app, limits, host=settings.api_host, port=port, fd=fd)
    collect_rarely()
    server = _DrainingServer(config, partial(drain, app), settings.api_drain_seconds)
    server.run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


def app_of(settings: Settings) -> FastAPI:
    """The API, with the admin panel where ADMIN is on. Nothing of the panel is loaded where it is off."""
    if settings.admin:
        from interfaces.admin.main import create_app as create_app_with_panel

        return create_app_with_panel(settings)
    from interfaces.http.main import create_app

    return create_app(settings)


def config_of(app: ASGIApp, limits: ServerLimits, **address: Any) -> uvicorn.Config:
    """The configuration of uvicorn. `address`: its host, port and fd."""
    return uvicorn.Config(app, **address, **server_options(limits))


class _DrainingServer(uvicorn.Server):
    """Says where it listens once it does, and that it has stopped: uvicorn ends by the signal it was sent.

    After the first signal it is not ready any more, and goes on serving for some seconds, in which load balancers find
    out. The second signal ends that.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None], seconds: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        loop, self._loop = self._loop, None
        if loop is None or not self._seconds:  # not up yet, or told before
            super().handle_exit(sig, frame)
            return
        self._drain()
        log.info("draining", seconds=self._seconds)
        loop.call_soon_threadsafe(loop.call_later, self._seconds, super().handle_exit, sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._loop = asyncio.get_running_loop()
            bound = sockets or [each for server in self.servers for each in server.sockets]
            host, port = bound[0].getsockname()[:2]
            log_start(f"http://{host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        log_stop()


def _require_database(settings: Settings) -> None:
    database = settings.database
    assert database is not None
    with psycopg.connect(database.dsn, application_name="daybook-api", connect_timeout=CONNECT_WITHIN) as connection:
        connection.execute("SELECT FROM log.schema_version")
