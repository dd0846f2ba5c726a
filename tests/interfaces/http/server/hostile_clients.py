"""Clients that attack one port until they are killed, in a process of their own; print a line when they begin."""

import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

MEGABYTE = b"v" * 1_000_000
POST = b"POST /v1/auth/token HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def _send(port: int, *parts: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as wire:
        for part in parts:
            wire.sendall(part)
        wire.recv(65536)


def _hold(port: int, held: list[socket.socket]) -> None:
    held.append(socket.create_connection(("127.0.0.1", port)))
    held[-1].sendall(b"GET / HTTP/1.1\r\n")
    if len(held) > 500:
        held.pop(0).close()


ATTACKS: Mapping[str, Callable[[int], None]] = {
    "a header of 48 MB": lambda port: _send(port, b"GET / HTTP/1.1\r\nX: ", *[MEGABYTE] * 48),
    "480,000 headers": lambda port: _send(port, b"GET / HTTP/1.1\r\n", *[b"X: v\r\n" * 10_000] * 48),
    "a URL of 24 MB": lambda port: _send(port, b"GET /", *[MEGABYTE] * 24),
    "a body without end": lambda port: _send(port, POST + b"Content-Length: 900000000\r\n\r\n", *[MEGABYTE] * 60),
}


def _repeat(attack: Callable[[int], object], port: int) -> None:
    while True:
        with suppress(OSError):  # it is refused, as it should be
            attack(port)


def _half_open(port: int) -> Callable[[int], object]:
    held: Sequence[socket.socket] = []
    return lambda _: _hold(port, held)  # type: ignore[arg-type]


def main(port: int) -> None:
    for attack in (*ATTACKS.values(), _half_open(port)):
        threading.Thread(target=_repeat, args=(attack, port), daemon=True).start()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
