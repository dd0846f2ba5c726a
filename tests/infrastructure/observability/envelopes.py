"""A server that takes envelopes as Sentry does: what it was sent, by kind."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Envelope(NamedTuple):
    """`raw`: all that was sent, headers too, as text; `items`: kind and content of each."""

    raw: str
    items: Sequence[tuple[str, dict[str, Any]]]


class EnvelopeReceiver:
    """Listens from enter to exit."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def dsn(self) -> str:
        """As SENTRY_DSN."""
        return f"http://key@127.0.0.1:{self._server.server_port}/7"

    @property
    def raw(self) -> str:
        """All that was sent so far."""
        return "\n".join(each.raw for each in self.envelopes)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The contents of all items of a kind: "event", "check_in"."""
        return [content for each in self.envelopes for found, content in each.items if found == kind]

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.of("event")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        envelopes = self.envelopes

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                encoding = self.headers.get("content-encoding")
                body = gzip.decompress(body) if encoding == "gzip" else body
                assert encoding in {None, "gzip"}, encoding
                assert self.path == "/api/7/envelope/", self.path
                envelopes.append(_read(str(self.headers), body.decode()))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Nothing: the test says what it found."""

        return Handler


def _read(headers: str, text: str) -> Envelope:
    _, *lines = text.splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=False)
    items = [(json.loads(head)["type"], json.loads(content)) for head, content in pairs]
    return Envelope(f"{headers}\n{text}", items)
