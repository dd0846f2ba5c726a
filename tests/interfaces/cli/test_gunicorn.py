"""The API under gunicorn, with the configuration of the image: it serves, and replaces its workers without loss."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest
from psycopg.conninfo import conninfo_to_dict

from infrastructure.local.programs import HOST, free_port, wait_until
from tests.conftest import Database
from tests.support.instances import READY_WITHIN, ROOT, STOPPED_WITHIN, clean_environment

APPLICATION = "interfaces.cli.gunicorn_worker:application()"
pytestmark = pytest.mark.servers


def status_of(port: int, path: str) -> int:
    """The status of an answer; 0 if there is none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@dataclass(frozen=True)
class Master:
    """Gunicorn, its port, the file of its log, and the port of its metrics."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    metrics: int

    def said(self, words: str) -> int:
        """How often its log has these words."""
        return self.log.read_text(encoding="utf-8").count(words)


@pytest.fixture
def master(own_database: Database, tmp_path: Path) -> Iterator[Master]:
    address = conninfo_to_dict(own_database.application)
    port, log, metrics = free_port(), tmp_path / "gunicorn.log", free_port()
    (tmp_path / "metrics").mkdir()
    environment = clean_environment(
        DB_HOST=str(address["host"]),
        DB_PORT=str(address["port"]),
        DB_NAME=str(address["dbname"]),
        DB_USER=str(address["user"]),
        DB_PASS=str(address["password"]),
        MODE="DEV",
        WEB_CONCURRENCY="2",
        METRICS_PORT=str(metrics),
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"),
        PYTHONPATH=str(ROOT),
    )
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "docker/gunicorn.conf.py")]
    command += ["--bind", f"{HOST}:{port}", APPLICATION]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=tmp_path, env=environment)
    started = Master(process, port, log, metrics)
    try:
        ready = wait_until(lambda: status_of(port, "/health/ready") == 200 or process.poll() is not None, READY_WITHIN)
        assert ready, log.read_text(encoding="utf-8")
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield started
    finally:
        process.terminate()
        process.wait(STOPPED_WITHIN)


def test_replaces_its_workers_while_clients_ask(master: Master) -> None:
    statuses: list[int] = []
    enough = Event()

    def ask() -> None:
        while not enough.is_set():
            statuses.append(status_of(master.port, "/health/live"))

    client = Thread(target=ask)
    client.start()
    begun = master.said("Booting worker")
    master.process.send_signal(signal.SIGHUP)
    replaced = wait_until(
        lambda: master.said("Booting worker") >= begun + 2 and master.said("was sent SIGTERM") >= 2, READY_WITHIN
    )
    enough.set()
    client.join()
    assert replaced, master.log.read_text(encoding="utf-8")
    assert statuses
    assert {*statuses} == {200}
    assert status_of(master.port, "/health/ready") == 200


def answered(master: Master) -> float:
    """The requests of liveness that the metrics count, of all worker processes."""
    connection = http.client.HTTPConnection(HOST, master.metrics, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    counts = re.findall(
        r'^daybook_http_requests_total{operation="get_liveness",status="200"} (.*)$', text, re.MULTILINE
    )
    return sum(map(float, counts))


def test_the_master_serves_the_metrics_of_all_its_workers(master: Master) -> None:
    before = answered(master)
    for _ in range(60):
        assert status_of(master.port, "/health/live") == 200
    assert wait_until(lambda: answered(master) >= before + 60, READY_WITHIN), "a worker counts once it has answered"
    assert answered(master) == before + 60
    master.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: master.said("was sent SIGTERM") >= 2, READY_WITHIN)
    assert wait_until(lambda: status_of(master.port, "/health/live") == 200, READY_WITHIN)
    assert answered(master) >= before + 60, "what replaced workers have counted is kept"


def test_a_worker_has_the_bounds_of_the_api(master: Master) -> None:
    assert status_of(master.port, "/" + "x" * 9_000) == 414


def test_its_log_is_json(master: Master) -> None:
    lines = master.log.read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(line.startswith('{"timestamp": ') for line in lines), lines
