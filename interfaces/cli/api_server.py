"""The API under uvicorn."""

from __future__ import annotations

import resource
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
from interfaces.http.server.limits import ServerLimits
from interfaces.http.server.protocol import bounded_protocol

CONNECT_WITHIN = 10  # seconds
OTHER_FILES = 200  # open files beside the connections of clients: pools, logs, modules
log = structlog.get_logger(__name__)


def serve(settings: Settings, port: int, fd: int | None) -> None:
    """Serve until SIGTERM. `fd`: an inherited listening socket. Raises psycopg.Error without a migrated database."""
    _require_database(settings)
    limits = ServerLimits(connections=_room_for(settings.api_connections))
    config = config_of(create_app(settings), limits, host=settings.api_host, port=port, fd=fd)
    collect_rarely()
    _LoggedServer(config).run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


def config_of(app: ASGIApp, limits: ServerLimits, **address: Any) -> uvicorn.Config:
    """The configuration of uvicorn. `address`: its host, port and fd."""
    return uvicorn.Config(
        app,
        **address,
        loop="uvloop",
        http=bounded_protocol(limits),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXIES says whom to believe
        timeout_graceful_shutdown=10,
    )


def _room_for(connections: int) -> int:
    """As many connections as the system lets this process have; raises the soft limit of open files if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < wanted:
        log.warning("fewer connections than API_CONNECTIONS, raise ulimit -n", connections=soft - OTHER_FILES)
    return max(1, min(connections, soft - OTHER_FILES))


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
