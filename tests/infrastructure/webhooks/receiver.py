"""Servers that take webhooks, as well or badly as a test tells them to: real ones, on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

LOOPBACK = [ip_network("127.0.0.0/8")]
Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers what `answers` says, in order, then 204 for ever. `taken`: those it said 2xx to."""

    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"
    answers: list[bytes | Answering] = field(default_factory=list)
    always: bytes | Answering = b"HTTP/1.1 204 No Content\r\n\r\n"
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.received.append(request)
                answer = self.answers.pop(0) if self.answers else self.always
                if callable(answer):
                    await answer(writer)
                    break
                if answer[9:10] == b"2":
                    self.taken.append(request)
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side is gone, or the test is over
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    line = await reader.readline()
    if not line:
        return None
    headers: dict[str, str] = {}
    while (told := (await reader.readline()).strip()) != b"":
        name, _, value = told.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Received(headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def a_receiver(
    *answers: bytes | Answering,
    host: str = "127.0.0.1",
    always: bytes | Answering | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Receiver]:
    """Listening from enter to exit."""
    receiver = Receiver(host=host, answers=list(answers), scheme="https" if tls else "http")
    if always is not None:
        receiver.always = always
    server = await asyncio.start_server(receiver.serve, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def status(code: int, *headers: str) -> bytes:
    """An answer without a body."""
    lines = [f"HTTP/1.1 {code} Told", *headers, "content-length: 0", "", ""]
    return "\r\n".join(lines).encode()


async def silence(writer: asyncio.StreamWriter) -> None:
    """Says nothing, until the other side goes."""
    await asyncio.sleep(30)


async def drip(writer: asyncio.StreamWriter) -> None:
    """Says something every moment and never comes to an end, first of the headers, then of the body."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    """The same, within the headers."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(writer: asyncio.StreamWriter) -> None:
    """A body without an end, as fast as it can."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""
