"""The tools of the benchmarks measure what they say."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from application.access import Role
from bench.controls import raw
from bench.tools import processes
from bench.tools.figure import Turns
from bench.tools.load import Unexpected, load
from bench.tools.paced import paced
from bench.tools.town import booking, first_monday, request
from domain.errors import Unauthenticated

ASKED = request("GET", "/")


@contextmanager
def a_server(stands_still: float = 0.0, status: str = "200 OK") -> Iterator[tuple[int, list[bytes]]]:
    """Answers each request; the first only after so many seconds, in which it does nothing else."""
    heard: list[bytes] = []

    class Answers(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            heard.append(data)
            if len(heard) == 1:
                time.sleep(stands_still)
            self.transport.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok".encode())

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Answers, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_whoever_comes_while_the_server_stands_still_has_waited() -> None:
    with a_server(stands_still=1.0) as (port, heard):
        found = paced(port, [ASKED] * 200, per_second=200, connections=4)
    assert len(heard) == 200
    assert found.p50 > 300  # half a second on average; a load that waits for answers would see one slow request
    assert found.seconds > 0.9


def test_an_answer_that_is_not_expected_ends_the_load() -> None:
    for send in (lambda port: load(port, [ASKED]), lambda port: paced(port, [ASKED], per_second=100)):
        with a_server(status="404 Not Found") as (port, _), pytest.raises(Unexpected, match="404 Not Found"):
            send(port)


def test_a_request_with_a_route_goes_to_its_port() -> None:
    with ExitStack() as stack:
        (one, to_one), (two, to_two) = (stack.enter_context(a_server()) for _ in range(2))
        requests = [request("GET", f"/{n}") for n in range(10)]
        load([one, two], requests, connections=4, routes=[one] * 7 + [two] * 3)
    assert sorted(to_one) == requests[:7]
    assert sorted(to_two) == requests[7:]


def test_answers_are_kept_in_the_order_of_the_requests() -> None:
    with a_server() as (port, _):
        kept = load(port, [ASKED] * 3, keep=True).answers
    assert [each.partition("\r\n\r\n")[2] for each in kept] == ["ok"] * 3


def test_the_cpu_of_a_child_counts_while_it_runs_and_when_it_has_ended() -> None:
    spin = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    before = processes.cpu(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert processes.cpu(os.getpid()) - before >= 0.29
    child.communicate(b"\n")
    assert processes.cpu(os.getpid()) - before >= 0.29


def test_a_side_of_several_values_has_a_figure_for_each_unit() -> None:
    sides = {"ours": lambda: {"a second": 6.0, "ms": 2.0}, "control": lambda: {"a second": 3.0, "ms": 8.0}}
    turns = Turns("any", sides, 1, lambda _: None).take()
    assert [turns.figure("ours", "control", unit).ratio for unit in ("a second", "ms")] == [2.0, 0.25]


async def answered_raw(token: str, body: bytes) -> list[Any]:
    """What the control without a framework sends."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode())]
    await raw.app({"type": "http", "path": "/v1/appointments", "headers": headers}, receive, send)
    return sent


async def test_the_control_without_a_framework_checks_token_and_body() -> None:
    token = raw.tokens.issue(uuid4(), Role.CUSTOMER)
    body = booking(token, uuid4(), uuid4(), first_monday()).partition(b"\r\n\r\n")[2]
    start, answer = await answered_raw(token, body)
    assert (start["status"], answer["body"]) == (201, raw.answer)
    with pytest.raises(Unauthenticated):
        await answered_raw(token[:-2], body)
    with pytest.raises(ValidationError):
        await answered_raw(token, json.dumps({"start": "tomorrow"}).encode())
