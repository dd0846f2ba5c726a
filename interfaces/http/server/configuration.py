"""How the API is served, by `daybook api` and by gunicorn alike: bounds, time limits, and the room for connections."""

from __future__ import annotations

import resource
from typing import Any

import structlog

from interfaces.http.server.limits import ServerLimits
from interfaces.http.server.protocol import bounded_protocol

OTHER_FILES = 200  # open files beside the connections of clients: pools, logs, modules
log = structlog.get_logger(__name__)


def limits_of(connections: int) -> ServerLimits:
    """The bounds of a process that may have so many connections of clients."""
    return ServerLimits(connections=_room_for(connections))


def server_options(limits: ServerLimits) -> dict[str, Any]:
    """The options of uvicorn, but for the address."""
    return {
        "loop": "uvloop",
        "http": bounded_protocol(limits),
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # TRUSTED_PROXIES says whom to believe
        "timeout_graceful_shutdown": 10,
    }


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
