"""HTTP load from a process of its own: keep-alive connections that send the next request on each answer."""

from __future__ import annotations

import asyncio
import itertools
import json
import pickle
import ssl
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import cast

import uvloop

from infrastructure.local.programs import HOST


class Unexpected(Exception):
    """An answer that the benchmark does not count on; the message shows it."""


@dataclass(frozen=True)
class Outcome:
    """`statuses`: of each request, in the order given; seconds for all of it; milliseconds of one request."""

    seconds: float
    statuses: Sequence[int]
    p50: float
    p95: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.statuses) / self.seconds


def load(
    ports: int | Sequence[int],
    requests: Sequence[bytes],
    *,
    connections: int = 64,
    times: int = 1,
    expected: Collection[int] = (200,),
    certificate: Path | None = None,
) -> Outcome:
    """Send all requests (the whole list `times` times) over so many connections, spread over the ports.

    `certificate`: of a server that speaks TLS. Raises Unexpected for any other status than those expected.
    """
    several = [ports] if isinstance(ports, int) else list(ports)
    plan = several, requests, connections, times, set(expected), certificate
    run = subprocess.run(
        [sys.executable, "-m", "bench.tools.load"], input=pickle.dumps(plan), capture_output=True, check=False
    )
    if run.returncode:
        raise Unexpected(run.stderr.decode().strip().rpartition("\n")[2])
    return Outcome(**json.loads(run.stdout))


class _Work:
    """What is still to be sent, and what came back."""

    def __init__(self, requests: Sequence[bytes], times: int, expected: set[int]) -> None:
        self.requests = requests
        self.expected = expected
        self.numbers = iter(range(len(requests) * times))
        self.statuses = [0] * (len(requests) * times)
        self.took: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self.open = 0

    def left(self, error: Exception | None) -> None:
        """A connection has ended."""
        self.open -= 1
        if error is not None and not self.done.done():
            self.done.set_exception(error)
        elif self.open == 0 and not self.done.done():
            self.done.set_result(perf_counter())


class _Connection(asyncio.Protocol):
    """Sends a request when the one before is answered; no pipelining."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._got = b""
        self._number: int | None = None
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        """The next request, or goodbye."""
        self._number = next(self._work.numbers, None)
        if self._number is None:
            self._transport.close()
            return
        self._sent = perf_counter()
        self._transport.write(self._work.requests[self._number % len(self._work.requests)])

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._got[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self._got) < end + 4 + length:
            return
        self._answered(int(head[9:12]))

    def _answered(self, status: int) -> None:
        assert self._number is not None
        self._work.took.append(perf_counter() - self._sent)
        self._work.statuses[self._number] = status
        if status not in self._work.expected:
            self._work.left(Unexpected(self._got.decode(errors="replace").replace("\r\n", " | ")))
            return
        self._got = b""
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        lost = self._number is not None
        self._work.left(error or (Unexpected("The server closed the connection.") if lost else None))


async def _run(
    ports: list[int],
    requests: Sequence[bytes],
    connections: int,
    times: int,
    expected: set[int],
    certificate: Path | None,
) -> Outcome:
    trusted = ssl.create_default_context(cafile=certificate) if certificate else None
    work, loop = _Work(requests, times, expected), asyncio.get_running_loop()
    everybody: list[_Connection] = []
    for _, port in zip(range(connections), itertools.cycle(ports), strict=False):
        _, connection = await loop.create_connection(lambda: _Connection(work), HOST, port, ssl=trusted)
        everybody.append(connection)
    work.open, began = len(everybody), perf_counter()
    for connection in everybody:
        connection.send()
    ended = await work.done
    cuts = quantiles(work.took, n=100, method="inclusive") if len(work.took) > 1 else work.took * 99
    return Outcome(ended - began, work.statuses, 1000 * cuts[49], 1000 * cuts[94], 1000 * cuts[98])


if __name__ == "__main__":
    print(json.dumps(vars(uvloop.run(_run(*pickle.load(sys.stdin.buffer))))))
