"""What is too large, too many or too slow ends with a problem, and others are answered meanwhile: raw sockets."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from interfaces.http.server.limits import ServerLimits
from tests.interfaces.http.server.hostile_clients import POST
from tests.support.instances import within
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[4]
HEAD, BODY, UNREAD, CONNECTIONS = 1.0, 1.5, 1.0, 200  # three times in seconds
LIVE = b"GET /health/live HTTP/1.1\r\nHost: d\r\n\r\n"


class Server(NamedTuple):
    """A server process. `files`: how many it had open before its first connection."""

    pid: int
    port: int
    files: int

    def connect(self) -> socket.socket:
        wire = socket.create_connection(("127.0.0.1", self.port))
        wire.settimeout(PATIENCE)
        return wire

    def memory(self) -> int:
        """Bytes of memory in use."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * 4096

    def connections(self) -> int:
        return open_files(self.pid) - self.files


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    words = [
        sys.executable,
        "-m",
        "tests.interfaces.http.server.bounded_server",
        *map(str, (HEAD, BODY, UNREAD, CONNECTIONS)),
    ]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield Server(process.pid, port, open_files(process.pid))
        finally:
            process.kill()


class Answer(NamedTuple):
    status: int
    head: str
    body: bytes

    @property
    def kind(self) -> str:
        return str(json.loads(self.body)["type"]).removeprefix("/problems/")


def answers(wire: socket.socket) -> list[Answer]:
    """All answers until the server ends the connection."""
    data = b""
    try:
        while more := wire.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return list(_parsed(data))


def _parsed(data: bytes) -> Iterator[Answer]:
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        text = head.decode().lower()
        length = int(text.partition("content-length: ")[2].split("\r\n")[0] or 0)
        yield Answer(int(text.split()[1]), text, rest[:length])
        data = rest[length:]


def sent(server: Server, *parts: bytes) -> list[Answer]:
    """The answers to what is sent, until the server ends the connection."""
    with server.connect() as wire:
        try:
            for part in parts:
                wire.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has been refused already
        return answers(wire)


def a_request(*headers: bytes, path: bytes = b"/health/live") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: d\r\n" + b"".join(each + b"\r\n" for each in headers) + b"\r\n"


CLOSE = b"Connection: close"


class TestSize:
    def test_what_fits_is_answered(self, server: Server) -> None:
        headers = [b"X-%d: " % number + b"v" * 300 for number in range(97)]
        (answer,) = sent(server, a_request(CLOSE, *headers, path=b"/health/live" + b"?" + b"a" * 2000))
        assert answer.status == 422  # an unknown parameter: the request itself has been read
        (answer,) = sent(server, a_request(CLOSE, *headers))
        assert answer.status == 200

    @pytest.mark.parametrize(
        "headers",
        [
            [b"X-Large: " + b"v" * 32_768],
            [b"X-%d: " % number + b"v" * 3_300 for number in range(10)],
            [b"N" * 32_768 + b": v"],
            [b"X-%d: v" % number for number in range(101)],
            [b"X-Large: " + b"v" * 1_000_000],
        ],
        ids=["one header", "all headers", "a name", "101 headers", "a megabyte"],
    )
    @pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in parts"])
    def test_headers_that_are_too_large_or_too_many_are_431(
        self, server: Server, headers: Sequence[bytes], at_once: bool
    ) -> None:
        request = a_request(*headers)
        parts = [request] if at_once else [request[start : start + 999] for start in range(0, len(request), 999)]
        (answer,) = sent(server, *parts)
        assert (answer.status, answer.kind) == (431, "headers-too-large")
        assert "connection: close" in answer.head

    @pytest.mark.parametrize("size", [8_200, 40_000, 3_000_000])
    def test_a_long_url_is_414(self, server: Server, size: int) -> None:
        (answer,) = sent(server, a_request(path=b"/v1/" + b"a" * size))
        assert (answer.status, answer.kind) == (414, "url-too-long")

    def test_an_endless_header_takes_no_memory(self, server: Server) -> None:
        before = server.memory()
        (answer,) = sent(server, b"GET / HTTP/1.1\r\nX: ", *[b"v" * 1_000_000] * 48)
        assert answer.status == 431
        (answer,) = sent(server, b"GET / HTTP/1.1\r\n", b"X: v\r\n" * 480_000)
        assert answer.status == 431
        (answer,) = sent(server, b"GET /", *[b"v" * 1_000_000] * 24)
        assert answer.status == 414
        assert server.memory() - before < 8_000_000

    def test_trailers_are_no_headers_and_have_the_same_bounds(self, server: Server) -> None:
        start = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        (answer,) = sent(
            server, start + b"Content-Type: application/json\r\nConnection: close\r\n\r\n" + a_request(CLOSE)
        )[:1]
        assert answer.status != 415  # by the header, not by the trailer
        before = server.memory()
        found = sent(server, start, b"X: ", *[b"v" * 1_000_000] * 20)
        assert [each.status for each in found] in ([431], [])
        assert server.memory() - before < 8_000_000

    def test_a_body_that_goes_on_after_its_refusal_is_cut(self, server: Server) -> None:
        before = server.memory()
        found = sent(server, POST + b"Content-Length: 900000000\r\n\r\n", *[b"v" * 1_000_000] * 60)
        assert [each.status for each in found] == [413]
        assert server.memory() - before < 8_000_000

    def test_what_is_no_http_is_a_problem_too(self, server: Server) -> None:
        for garbage in (
            b"\x16\x03\x01\x02\x00\x01",
            b"GET http://[ HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nA B: c\r\n\r\n",
        ):
            (answer,) = sent(server, garbage + b"\r\n\r\n")
            assert (answer.status, answer.kind) == (400, "malformed")


class TestOrder:
    def test_requests_before_a_refused_one_get_their_answers(self, server: Server) -> None:
        found = sent(server, LIVE * 3 + a_request(b"X: " + b"v" * 40_000) + LIVE)
        assert [each.status for each in found] in ([200, 200, 200], [200, 200, 200, 431])

    def test_a_connection_has_at_most_so_many_requests_waiting(self, server: Server) -> None:
        before = server.memory()
        found = sent(server, LIVE * 5_000)
        assert 1 <= len(found) <= ServerLimits().pipelined + 2
        assert {each.status for each in found} <= {200, 400}
        assert server.memory() - before < 8_000_000

    def test_a_connection_serves_many_requests(self, server: Server) -> None:
        with server.connect() as wire:
            for _ in range(50):
                wire.sendall(LIVE)
                assert b"live" in _one(wire)


def _one(wire: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"}"):
        more = wire.recv(65536)
        assert more
        data += more
    return data


class TestTime:
    def test_headers_that_do_not_arrive_are_408(self, server: Server) -> None:
        with server.connect() as wire:
            wire.sendall(b"GET /health/live HTTP/1.1\r\n")
            (answer,) = answers(wire)
        assert (answer.status, answer.kind) == (408, "request-timeout")

    @pytest.mark.parametrize("start", [b"", b"\r\n", LIVE], ids=["a request", "empty lines", "a second request"])
    def test_headers_that_are_dribbled_are_408(self, server: Server, start: bytes) -> None:
        with server.connect() as wire:
            wire.sendall(start)
            wire.sendall(b"GET /health/live HTTP/1.1\r\n")
            ended = _dribble(wire, b"X: v\r\n")
        assert [each.status for each in ended][-1] == 408

    def test_a_body_that_is_dribbled_is_408(self, server: Server) -> None:
        with server.connect() as wire:
            wire.sendall(POST + b"Content-Length: 1000\r\n\r\n")
            (answer,) = _dribble(wire, b"a")
        assert (answer.status, answer.kind) == (408, "request-timeout")

    def test_a_silent_connection_is_closed_without_an_answer(self, server: Server) -> None:
        with server.connect() as wire:
            assert answers(wire) == []

    def test_an_answer_that_is_not_read_is_given_up(self, server: Server) -> None:
        with ExitStack() as stack:
            for _ in range(20):
                wire = stack.enter_context(socket.socket())
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                wire.connect(("127.0.0.1", server.port))
                wire.sendall(a_request(path=b"/docs/swagger-ui-bundle.js") * 4)
            within(PATIENCE, lambda: server.connections() >= 20)
            within(PATIENCE, lambda: server.connections() <= 2)  # while the clients are still there

    def test_half_open_connections_make_room_for_others(self, server: Server) -> None:
        before = server.memory()
        with ExitStack() as stack:
            for number in range(1_500):
                wire = stack.enter_context(server.connect())
                wire.sendall([b"", b"GET", POST + b"Content-Length: 9\r\n\r\n"][number % 3])
            assert sent(server, a_request(CLOSE))[0].status == 200
            assert server.connections() < CONNECTIONS + 10
        assert server.memory() - before < 20_000_000


def _dribble(wire: socket.socket, part: bytes) -> list[Answer]:
    """Send a part now and then until the server has had enough; its answers."""
    wire.settimeout(0.1)
    data, until = b"", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            wire.sendall(part)
            more = wire.recv(65536)
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break
        if not more:
            break
        data += more
    return list(_parsed(data))


class TestOthers:
    def test_others_are_answered_beside_attacks(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        """Prints how long they waited, beside a quiet run; fails if one is not answered or memory grows."""
        quiet, before = _asked(server, 300), server.memory()
        words = [sys.executable, "-m", "tests.interfaces.http.server.hostile_clients", str(server.port)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as attackers:
            assert attackers.stdout is not None
            try:
                attackers.stdout.readline()
                beside = _asked(server, 300)
            finally:
                attackers.kill()
        grown = server.memory() - before
        assert grown < 30_000_000
        with capsys.disabled():
            told = f"p50, p99 quiet {_told(quiet)}; beside {_told(beside)}; {grown >> 10} kB more memory"
            sys.stdout.write(f"\nhostile HTTP: {told}\n")


def _asked(server: Server, number: int) -> list[float]:
    took = []
    with server.connect() as wire:
        for _ in range(number):
            began = time.perf_counter()
            wire.sendall(LIVE)
            assert b"200 OK" in _one(wire)
            took.append(time.perf_counter() - began)
            time.sleep(0.002)
    return sorted(took)


def _told(took: list[float]) -> str:
    return ", ".join(f"{took[int(len(took) * part)] * 1000:.1f} ms" for part in (0.5, 0.99))
