"""The API under uvicorn."""

from __future__ import annotations

import socket
from typing import Any

import psycopg
import structlog
import uvicorn
from starlette.types import ASGIApp

from infrastructure.gc_tuning import collect_rarely
from infrastructure.observability.logger import log_start, log_stop
from infrastructure.settings import Settings
from interfaces.http.main import create_app
from interfaces.http.server.configuration import limits_of, server_options
from interfaces.http.server.limits import ServerLimits

CONNECT_WITHIN = 10  # seconds
log = structlog.get_logger(__name__)


def serve(settings: Settings, port: int, fd: int | None) -> None:
    """Serve until SIGTERM. `fd`: an inherited listening socket. Raises psycopg.Error without a migrated database."""
    _require_database(settings)
    limits = limits_of(settings.api_connections)
    config = config_of(create_app(settings), limits, host=settings.api_host, port=port, fd=fd)
    collect_rarely()
    _LoggedServer(config).run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


def config_of(app: ASGIApp, limits: ServerLimits, **address: Any) -> uvicorn.Config:
    """The configuration of uvicorn. `address`: its host, port and fd."""
    return uvicorn.Config(app, **address, **server_options(limits))


class _LoggedServer(uvicorn.Server):
    """Says where it listens once it does, and that it has stopped: uvicorn ends by the signal it was sent."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
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
