"""The metrics server: /metrics on a port of its own."""

from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from infrastructure.observability.metric_files import MetricFiles


def serve_metrics(host: str, port: int, folder: str | None = None) -> int:
    """Serve /metrics; the port, which is any free one for 0.

    `folder`: where several processes keep their metrics (PROMETHEUS_MULTIPROC_DIR), to serve those of all.
    """
    if folder is None:
        server, _ = start_http_server(port, host)
    else:
        registry = CollectorRegistry()
        registry.register(MetricFiles(Path(folder)))
        server, _ = start_http_server(port, host, registry)
    return int(server.server_port)
