"""A TCP door to a server, whose two directions can be stalled and whose connections can be cut."""

from __future__ import annotations

import asyncio
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

TO_SERVER, TO_CLIENT = "to server", "to client"


class FaultProxy:
    """Passes bytes on until told otherwise. Goes to the server of a `postgresql://...`."""

    def __init__(self, dsn: str) -> None:
        self._url = urlsplit(dsn)
        self._passes = {TO_SERVER: asyncio.Event(), TO_CLIENT: asyncio.Event()}
        self._wires: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.flow()

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        self.flow()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    @property
    def dsn(self) -> str:
        """The address that leads through this door."""
        who = self._url.netloc.rpartition("@")[0]
        return urlunsplit(self._url._replace(netloc=f"{who}@127.0.0.1:{self.port}"))

    def lead_to(self, dsn: str) -> None:
        """New connections go to this server. Those that are open stay where they are."""
        self._url = urlsplit(dsn)

    def flow(self) -> None:
        """Both directions pass."""
        for passes in self._passes.values():
            passes.set()

    def stall(self, *directions: str) -> None:
        """What comes in these directions is kept back; connections stay open."""
        for direction in directions:
            self._passes[direction].clear()

    def cut(self) -> None:
        """Reset every connection; what was kept back is lost. New ones are let in."""
        for wire in self._wires:
            wire.transport.abort()
        self._wires.clear()

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._url.hostname, self._url.port)
        self._wires |= {to_client, to_server}
        for source, target, direction in ((client, to_server, TO_SERVER), (server, to_client, TO_CLIENT)):
            pump = asyncio.create_task(self._pump(source, target, direction))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, direction: str) -> None:
        try:
            while data := await source.read(65536):
                await self._passes[direction].wait()
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()
