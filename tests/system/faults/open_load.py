"""Requests at a fixed rate, whether answers come or not, from a process of its own; the outcome is a file of JSON."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvloop

OPEN = 100  # connections from the start


class _Connection(asyncio.Protocol):
    """One request at a time; ready for the next when it has the whole answer."""

    def __init__(self, idle: list["_Connection"], found: list[tuple[int, float, str, float]]) -> None:
        self._idle, self._found = idle, found
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """The server ends connections on which nothing is asked for a while."""
        if self in self._idle:
            self._idle.remove(self)

    def send(self, request: bytes, due: float) -> None:
        self._got, self._due = b"", due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, _, body = self._got.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        if at < 0 or len(body) < int(head[at + 15 :].split(b"\r", 1)[0]):
            return
        status = int(head[9:12])
        why = str(json.loads(body)["detail"]) if status >= 400 else ""
        self._found.append((status, asyncio.get_running_loop().time() - self._due, why, self._due))
        self._idle.append(self)


async def offer(port: int, request: bytes, rate: float, seconds: float) -> list[tuple[int, float, str, float]]:
    """Status, seconds and detail of each answer, and when its request was due, in seconds from the beginning.

    Latency counts from when a request was due to be sent.
    """
    loop = asyncio.get_running_loop()
    idle: list[_Connection] = []
    found: list[tuple[int, float, str, float]] = []
    for _ in range(OPEN):
        _, made = await loop.create_connection(lambda: _Connection(idle, found), "127.0.0.1", port)
        idle.append(made)
    number, began = 0, loop.time()
    while loop.time() < began + seconds:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not idle:
            _, made = await loop.create_connection(lambda: _Connection(idle, found), "127.0.0.1", port)
            idle.append(made)
        idle.pop().send(request, due)
        number += 1
    until = loop.time() + 60
    while len(found) < number and loop.time() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # the answers come by themselves
    answered = [(status, took, why, due - began) for status, took, why, due in found]
    return answered + [(0, 0.0, "no answer", 0.0)] * (number - len(found))


if __name__ == "__main__":
    port, rate, seconds, request, to = sys.argv[1:]
    answers = uvloop.run(offer(int(port), request.encode(), float(rate), float(seconds)))
    Path(to).write_text(json.dumps(answers), encoding="utf-8")
