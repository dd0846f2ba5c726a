"""The API under uvicorn."""

from __future__ import annotations

import socket

import psycopg
import uvicorn

from infrastructure.gc_tuning import collect_rarely
from infrastructure.observability.logger import log_start, log_stop
from infrastructure.settings import Settings
from interfaces.http.main import create_app

CONNECT_WITHIN = 10  # seconds


def serve(settings: Settings, port: int, fd: int | None) -> None:
    """Serve until SIGTERM. `fd`: an inherited listening socket. Raises psycopg.Error without a migrated database."""
    _require_database(settings)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.api_host,
        port=port,
        fd=fd,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXIES says whom to believe
        timeout_graceful_shutdown=10,
    )
    collect_rarely()
    _LoggedServer(config).run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


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
