"""Gunicorn: a master that balances the API over its worker processes; WEB_CONCURRENCY says how many."""

from gunicorn.arbiter import Arbiter

from interfaces.cli.gunicorn_worker import checked_settings, serve_own_metrics

checked_settings()  # before anything starts: what is wrong is said once, not by each process

worker_class = "interfaces.cli.gunicorn_worker.DaybookWorker"
logger_class = "interfaces.cli.gunicorn_worker.GunicornLogs"
worker_tmp_dir = "/dev/shm"  # the heartbeat of workers must not wait for a disk
timeout = 60  # seconds without a heartbeat
graceful_timeout = 30  # seconds for requests in flight, when a worker is replaced or stopped
keepalive = 75  # seconds: longer than a proxy in front keeps an idle connection
control_socket_disable = True
preload_app = False  # each worker opens its own connections
proc_name = "daybook"


def when_ready(server: Arbiter) -> None:  # noqa: ARG001  gunicorn's name
    """Serve the metrics of all worker processes from the master, once it listens."""
    serve_own_metrics()
