"""A collector that takes spans by OTLP over HTTP, and what it was sent."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class SentSpan(NamedTuple):
    """`links`: the ids of the traces that it links to; `resource`: of the process; `failed`: with which error."""

    name: str
    trace_id: str
    facts: dict[str, Any]
    links: set[str]
    resource: dict[str, Any]
    failed: str


class SpanCollector:
    """Listens from enter to exit."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """As TRACING_URL."""
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    @property
    def spans(self) -> list[SentSpan]:
        return [span for body in [*self.bodies] for span in _spans(body)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing: the test says what it found."""

        return Handler


def _spans(body: bytes) -> list[SentSpan]:
    request = ExportTraceServiceRequest.FromString(body)
    found = []
    for group in request.resource_spans:
        resource = _facts(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                links = {link.trace_id.hex() for link in span.links}
                facts = _facts(span.attributes)
                found.append(SentSpan(span.name, span.trace_id.hex(), facts, links, resource, span.status.message))
    return found


def _facts(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
