"""What a process sends to a collector of spans; and that Daybook runs without the packages that send."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from infrastructure.local.programs import free_port
from projections.engine.tracing import MOST_LINKS
from tests.infrastructure.observability.spans import SpanCollector

ROOT = Path(__file__).parents[3]
PREPARED = """
from infrastructure.observability.logger import configure_logs, flush_log
from infrastructure.observability.tracing import start_tracing
from projections.engine.tracing import span_of
configure_logs("INFO", "api", dict)
start_tracing({url!r}, "staging", "api")
"""
UNINSTALLED = """
import sys
sys.modules["opentelemetry.sdk"] = sys.modules["opentelemetry.exporter"] = None
"""
EVERY_ROLE = """
import interfaces.cli.main, interfaces.http.main, interfaces.projector.main, interfaces.worker.main
print("infrastructure.observability.tracing" in sys.modules)
"""
TRACED = """
import os
os.environ["TRACING_URL"] = "http://localhost:4318/v1/traces"
from infrastructure.settings import Settings
from interfaces.cli.reporting import start_reporting
start_reporting(Settings(), sys.argv[1])
"""


def ran(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, since tracing is set up for all of it."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_span_links_to_its_requests_and_has_no_text_of_an_exception() -> None:
    code = """
ids = [f"{n:032x}" for n in range(1, 101)]
try:
    with span_of("append", ["grace@example.org", *ids, *ids], commands=100):
        raise KeyError("grace@example.org")
except KeyError:
    flush_log()
"""
    with SpanCollector() as collector:
        done = ran(PREPARED.format(url=collector.url) + code)
    assert done.returncode == 0, done.stderr
    (span,) = collector.spans
    assert (span.name, span.facts, span.failed) == ("append", {"commands": 100}, "KeyError")
    assert span.links <= {f"{n:032x}" for n in range(1, 101)}
    assert MOST_LINKS - 1 <= len(span.links) <= MOST_LINKS
    assert span.resource["deployment.environment.name"] == "staging"
    assert span.resource.keys() >= {"service.name", "service.version", "daybook.role"}
    assert b"example.org" not in b"".join(collector.bodies)


def test_while_the_collector_is_away_work_goes_on_and_the_log_has_one_line() -> None:
    code = """
for _ in range(3):
    with span_of("append", []):
        pass
    flush_log()
"""
    done = ran(PREPARED.format(url=f"http://127.0.0.1:{free_port()}/v1/traces") + code)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [each["event"] for each in lines] == [
        "Failed to export spans batch due to timeout, max retries or shutdown."
    ]


@pytest.mark.parametrize("role", ["api", "projector", "worker"])
def test_without_the_packages_a_traced_process_says_which_to_install(role: str) -> None:
    done = ran(UNINSTALLED + TRACED, role)
    assert done.returncode == 2
    assert done.stderr == "TRACING_URL needs more packages. Run `uv sync --extra tracing`.\n"


def test_every_role_runs_without_the_packages() -> None:
    done = ran(UNINSTALLED + EVERY_ROLE)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_an_install_without_extras_has_no_package_that_sends() -> None:
    listed: list[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    needs = {each["name"]: {other["name"] for other in each.get("dependencies", ())} for each in listed}
    (project,) = [each for each in listed if each["name"] == "daybook"]
    installed, found = set(), {"daybook"}
    while found:
        installed |= found
        found = {other for each in found for other in needs[each]} - installed
    assert {each for each in installed if each.startswith("opentelemetry")} == {"opentelemetry-api"}
    sends = {each["name"] for each in project["optional-dependencies"]["tracing"]}
    assert sends == {"opentelemetry-exporter-otlp-proto-http", "opentelemetry-sdk"}
