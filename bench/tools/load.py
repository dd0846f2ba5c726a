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
from functools import partial
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any, cast

import uvloop

from infrastructure.local.programs import HOST


class Unexpected(Exception):
    """An answer that the benchmark does not count on; the message shows it."""


@dataclass(frozen=True)
class Outcome:
    """`statuses`, `answers`: of each request, in the order given, answers if they were to be kept; seconds for all of
    it; milliseconds of one request.
    """

    seconds: float
    statuses: Sequence[int]
    p50: float
    p95: float
    p99: float
    p999: float
    answers: Sequence[str] = ()

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.statuses) / self.seconds


@dataclass(frozen=True)
class Plan:
    """What the process of the load is to do.

    `routes`: the port of each request; else any. `per_second`: see `bench.tools.paced`.
    """

    ports: Sequence[int]
    requests: Sequence[bytes]
    connections: int
    expected: Collection[int]
    times: int = 1
    certificate: Path | None = None
    keep: bool = False
    routes: Sequence[int] | None = None
    per_second: float | None = None


def load(
    ports: int | Sequence[int],
    requests: Sequence[bytes],
    *,
    connections: int = 64,
    expected: Collection[int] = (200,),
    **more: Any,
) -> Outcome:
    """Send all requests over so many connections, spread over the ports.

    `times`: the whole list so often; `certificate`: of a server that speaks TLS; `keep`: the answers, with their heads;
    `routes`: the port for each request.
    Raises Unexpected for any other status than those expected.
    """
    several = [ports] if isinstance(ports, int) else list(ports)
    return carried_out(Plan(several, requests, connections, set(expected), **more), "bench.tools.load")


def carried_out(plan: Plan, program: str) -> Outcome:
    """By a process of its own."""
    run = subprocess.run([sys.executable, "-m", program], input=pickle.dumps(plan), capture_output=True, check=False)
    if run.returncode:
        raise Unexpected(run.stderr.decode().strip().rpartition("\n")[2])
    return Outcome(**json.loads(run.stdout))


class Work:
    """What came back, and until when."""

    def __init__(self, plan: Plan) -> None:
        count = len(plan.requests) * plan.times
        self.plan = plan
        every = iter(range(count))
        self.numbers = {
            port: iter([n for n, route in enumerate(plan.routes) if route == port]) if plan.routes else every
            for port in plan.ports
        }
        self.statuses = [0] * count
        self.answers = [""] * count if plan.keep else []
        self.took: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self.open = 0

    def answered(self, number: int, answer: bytes, since: float) -> bool:
        """Keep an answer; whether it was expected."""
        status = int(answer[9:12])
        self.took.append(perf_counter() - since)
        self.statuses[number] = status
        if self.plan.keep:
            self.answers[number] = answer.decode()
        if status not in self.plan.expected:
            self.left(Unexpected(" | ".join(answer.decode(errors="replace").splitlines())))
        return status in self.plan.expected

    def left(self, error: Exception | None) -> None:
        """A connection has ended."""
        self.open -= 1
        if error is not None and not self.done.done():
            self.done.set_exception(error)
        elif self.open == 0 and not self.done.done():
            self.done.set_result(perf_counter())

    def outcome(self, began: float, ended: float) -> Outcome:
        cuts = quantiles(self.took, n=1000, method="inclusive") if len(self.took) > 1 else self.took * 999
        some = [1000 * cuts[number - 1] for number in (500, 950, 990, 999)]
        return Outcome(ended - began, self.statuses, *some, answers=self.answers)


class Connection(asyncio.Protocol):
    """Sends a request when the one before is answered; no pipelining."""

    def __init__(self, work: Work, port: int) -> None:
        self._work = work
        self._port = port
        self._got = b""
        self._number: int | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def next(self) -> None:
        """The next request, or goodbye."""
        number = next(self._work.numbers[self._port], None)
        if number is None:
            self.close()
        else:
            self.send(number, perf_counter())

    def send(self, number: int, since: float) -> None:
        """This request, whose time runs since then."""
        requests = self._work.plan.requests
        self._number, self._since = number, since
        self._transport.write(requests[number % len(requests)])

    def close(self) -> None:
        self._number = None
        self._transport.close()

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
        assert self._number is not None
        answer, self._got = self._got, b""
        if self._work.answered(self._number, answer, self._since):
            self.next()

    def connection_lost(self, error: Exception | None) -> None:
        lost = self._number is not None
        self._work.left(error or (Unexpected("The server closed the connection.") if lost else None))


async def connected(work: Work, kind: type[Connection]) -> Sequence[Connection]:
    """All connections of the plan, before its clock starts."""
    plan, loop = work.plan, asyncio.get_running_loop()
    trusted = ssl.create_default_context(cafile=plan.certificate) if plan.certificate else None
    found: list[Connection] = []
    for _, port in zip(range(plan.connections), itertools.cycle(plan.ports), strict=False):
        _, connection = await loop.create_connection(partial(kind, work, port), HOST, port, ssl=trusted)
        found.append(connection)
    work.open = len(found)
    return found


async def _run(plan: Plan) -> Outcome:
    work = Work(plan)
    everybody, began = await connected(work, Connection), perf_counter()
    for connection in everybody:
        connection.next()
    return work.outcome(began, await work.done)


if __name__ == "__main__":
    print(json.dumps(vars(uvloop.run(_run(pickle.load(sys.stdin.buffer))))))
