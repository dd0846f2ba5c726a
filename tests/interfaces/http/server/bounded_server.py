"""The API's server in a process of its own, with an app that has no database; prints its port.

What is about a database answers 500 here; what the server itself decides, `/health/live` and refusals answer as ever.
"""

import sys

import uvicorn

from interfaces.cli.api_server import config_of
from interfaces.http.app import build
from interfaces.http.server.limits import ServerLimits


class _Told(uvicorn.Server):
    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


def main(head: str, body: str, unread: str, connections: str) -> None:
    limits = ServerLimits(
        head_seconds=float(head),
        body_seconds=float(body),
        unread_seconds=float(unread),
        connections=int(connections),
    )
    _Told(config_of(build(), limits, host="127.0.0.1", port=0)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
