"""Every role serves its metrics on the port that METRICS_PORT names, also where several processes share it."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from infrastructure.local.programs import HOST, free_port, wait_until
from tests.conftest import Database
from tests.support.instances import READY_WITHIN, Process, clean_environment
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.servers
ROLES = {
    "api": ("daybook_http_requests_in_flight", ["api", "--port", "0"]),
    "projector": ("daybook_reader_lag_positions", ["project"]),
    "worker": ("daybook_worker_queues", ["worker", "--queues", "sweep,mail"]),
    "beat": ("daybook_beat_ticks_total", ["beat"]),
}
"""A metric that only this role sets, and its command."""


def scraped(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=PATIENCE) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def value(text: str, name: str) -> float | None:
    """The sum of the samples of a metric; None without any."""
    found = re.findall(rf"^{name}(?:{{[^}}]*}})? (.+)$", text, re.MULTILINE)
    return sum(map(float, found)) if found else None


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest, own_database: Database, servers, tmp_path: Path) -> Iterator[tuple[str, int]]:
    address, port = conninfo_to_dict(own_database.application), free_port()
    environment = clean_environment(
        DB_HOST=str(address["host"]),
        DB_PORT=str(address["port"]),
        DB_NAME=str(address["dbname"]),
        DB_USER=str(address["user"]),
        DB_PASS=str(address["password"]),
        REDIS_URL=servers.redis_url,
        REDIS_PREFIX=f"{own_database.name}:",
        METRICS_PORT=str(port),
    )
    with Process.start(tmp_path, *ROLES[request.param][1], env=environment):
        yield request.param, port


def test_a_role_serves_its_own_metrics(role: tuple[str, int]) -> None:
    name, port = role
    metric, _ = ROLES[name]
    assert wait_until(lambda: value(scraped(port), metric) is not None, READY_WITHIN), scraped(port)
    others = [other for each, (other, _) in ROLES.items() if each != name]
    assert not any(value(scraped(port), other) for other in others)


@pytest.mark.parametrize("role", ["worker"], indirect=True)
def test_a_worker_tells_the_queues_that_it_takes(role: tuple[str, int]) -> None:
    _, port = role
    assert wait_until(lambda: value(scraped(port), "daybook_worker_queues") == 2, READY_WITHIN), scraped(port)
    assert 'daybook_worker_queues{queue="mail"} 1.0' in scraped(port)
