"""Clients of the stream of events, on plain sockets: two thousand of them in one process, cut off at any byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


class Stream:
    """One connection. `events`: the messages; `id`: of the last whole frame; `whole`: it ended as it should."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.id: str | None = None
        self.status = 0
        self.whole = False
        self._rest = b""

    @classmethod
    async def open(cls, api: str, token: str, query: str = "", last: str | None = None) -> Stream:
        """Answered, and its first frame has arrived."""
        self, url = cls(), urlsplit(api)
        self._reader, self._writer = await asyncio.open_connection(url.hostname, url.port)
        lines = [f"GET /v1/events/stream{query} HTTP/1.1", "Host: daybook", f"Authorization: Bearer {token}"]
        lines += [f"Last-Event-ID: {last}"] if last else []
        self._writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        self.status = int(head.split()[1])
        if self.status == 200:
            assert "text/event-stream" in head
            await self.read_until(lambda: self.id is not None)
        return self

    async def read_until(self, true: Callable[[], bool]) -> bool:
        """Read until it is so; False if the stream has ended before."""
        while not true():
            if not await self._read():
                await self.close()
                return False
        return True

    async def _read(self) -> bool:
        try:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = (await self._reader.readexactly(size + 2))[:-2]
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        if not size:
            self.whole = True
            return False
        *frames, self._rest = (self._rest + chunk).split(b"\n\n")
        for frame in frames:
            self._take(frame.decode())
        return True

    def _take(self, frame: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in frame.split("\n"))
        if "data" in fields:
            self.events.append(json.loads(fields["data"]))
            assert self.events[-1]["data"]["position"] == fields["id"]
            assert self.events[-1]["type"] == fields["event"]
        self.id = fields.get("id", self.id)

    async def close(self) -> None:
        """Cut the connection off."""
        self._writer.transport.abort()
        await asyncio.sleep(0)  # until it is closed
