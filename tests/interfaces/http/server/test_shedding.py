"""Load shedding: the server itself refuses a request without a place in a standing line, as the app would do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import uvicorn

from interfaces.cli.api_server import config_of
from interfaces.http.app import RESERVED_PATHS, AppOptions, build
from interfaces.http.framework.cors import Origins
from interfaces.http.server import waiting_line
from interfaces.http.server.admission import FEWEST, SHED, Admission
from interfaces.http.server.limits import ServerLimits
from interfaces.http.server.waiting_line import STANDING_LINE
from tests.support.waiting import PATIENCE

READ = "/v1/providers"
IDLE = 1  # seconds for which a connection may be idle
ID = "0190f3a4-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def nobody_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits in the line stays in it while a test looks."""
    monkeypatch.setattr(waiting_line, "BURST", PATIENCE)


class Full:
    """An admission without room, whose line has been standing. `line`: how many wait in it."""

    def __init__(self, *, silent: bool = False, line: int = STANDING_LINE) -> None:
        self.line = line
        self.admission = Admission(waits=lambda: 1.0, silent=lambda: silent, reserved=RESERVED_PATHS)
        self.waiting: list[asyncio.Task[Callable[[], None]]] = []

    async def fill(self) -> None:
        for _ in range(100):
            self.admission.adapt(1.0)
        self.leaves = [await self.admission.enter(READ) for _ in range(FEWEST)]
        self.waiting = [asyncio.create_task(self.admission.enter(READ)) for _ in range(self.line)]
        await asyncio.sleep(0)
        self.admission._line._burst_until = 0.0


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


async def read(reader: asyncio.StreamReader, *, head: bool = False) -> Answer:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    body = b"" if head else await reader.readexactly(int(headers["content-length"]))
    return Answer(int(lines[0].split()[1]), headers, body)


class Client(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, method: str = "GET", path: str = READ, more: str = "", body: str = "") -> Answer:
        self.send(method, path, more, body)
        return await read(self.reader, head=method == "HEAD")

    def send(self, method: str = "GET", path: str = READ, more: str = "", body: str = "") -> None:
        self.writer.write(f"{method} {path} HTTP/1.1\r\nhost: d\r\n{more}\r\n{body}".encode())


class Served(NamedTuple):
    full: Full
    client: Client
    server: uvicorn.Server


@asynccontextmanager
async def served(full: Full) -> AsyncIterator[Served]:
    app = build(options=AppOptions(admission=full.admission, origins=Origins(["https://salon.example"])))
    server = uvicorn.Server(config_of(app, ServerLimits(), host="127.0.0.1", port=0))
    server.config.loop, server.config.timeout_keep_alive = "none", IDLE
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    await full.fill()
    try:
        yield Served(full, Client(reader, writer), server)
    finally:
        for task in full.waiting:
            task.cancel()
        writer.close()
        server.should_exit = True
        await running


async def test_it_is_the_app_s_refusal() -> None:
    counted = SHED.labels("overloaded")._value.get()
    async with served(Full()) as (_, client, server):
        answer = await client.ask(more=f"x-request-id: {ID}\r\norigin: https://salon.example\r\n")
        assert not server.server_state.tasks
    assert answer.status == 503
    assert json.loads(answer.body)["type"] == "/problems/overloaded"
    assert json.loads(answer.body)["status"] == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] in "123"
    assert answer.headers["x-request-id"] == ID
    assert answer.headers["access-control-allow-origin"] == "https://salon.example"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "connection" not in answer.headers
    assert SHED.labels("overloaded")._value.get() == counted + 1


async def test_a_silent_database_is_named() -> None:
    async with served(Full(silent=True)) as (_, client, _server):
        assert json.loads((await client.ask()).body)["type"] == "/problems/unavailable"


async def test_the_connection_goes_on() -> None:
    async with served(Full()) as (full, client, _):
        assert (await client.ask("HEAD")).body == b""
        posted = await client.ask("POST", "/v1/appointments", "content-length: 12\r\n", '{"a":"bcdef"}'[:12])
        assert posted.status == 503
        for _ in range(3):
            client.send()
        assert [(await read(client.reader)).status for _ in range(3)] == [503] * 3
        assert (await client.ask(path="/health/live")).status == 200
        for leave in full.leaves:
            leave()
        for each in full.waiting:
            (await each)()
        assert (await client.ask(path="/v1/nothing")).status == 404


async def test_a_body_that_nobody_reads_ends_the_connection() -> None:
    async with served(Full()) as (_, client, _server):
        size = 50_000_000
        assert (await client.ask("POST", "/v1/appointments", f"content-length: {size}\r\n")).status == 503
        client.writer.write(b"x" * (ServerLimits().unwanted_bytes + 1))
        assert await client.reader.read() == b"", "it ends"


async def test_while_the_process_stops_it_says_that_the_connection_closes() -> None:
    async with served(Full()) as (_, client, server):
        await client.ask(path="/health/live")
        for connection in list(server.server_state.connections):
            connection.shutdown()
        answer = await client.ask()
        assert answer.status == 503
        assert answer.headers["connection"] == "close"
        assert await client.reader.read() == b""


async def test_the_last_of_pipelined_requests_is_no_idle_connection() -> None:
    async with served(Full(line=0)) as (full, client, _):
        client.send(path="/health/live")
        client.send(path="/v1/nothing")  # waits for its turn
        assert (await read(client.reader)).status == 200
        await asyncio.sleep(3 * IDLE)
        for leave in full.leaves:
            leave()
        assert (await read(client.reader)).status == 404
