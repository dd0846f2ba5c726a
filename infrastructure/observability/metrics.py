"""The metrics server: /metrics on a port of its own."""

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector


def serve_metrics(host: str, port: int, folder: str | None = None) -> int:
    """Serve /metrics; the port, which is any free one for 0.

    `folder`: where several processes keep their metrics (PROMETHEUS_MULTIPROC_DIR), to serve those of all.
    """
    if folder is None:
        server, _ = start_http_server(port, host)
    else:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
        server, _ = start_http_server(port, host, registry)
    return int(server.server_port)
