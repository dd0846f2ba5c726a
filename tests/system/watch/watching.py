"""Prometheus, Alertmanager and Grafana beside a deployment: started, asked, stopped."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from docker.grafana.board import Panel, Question
from infrastructure.local.programs import free_port
from tests.system.compose.deployment import Deployment

FILE, OVERRIDE = "docker-compose-prometheus.yml", "watch.yml"
BUILT_IN = {"$__rate_interval": "40s", "$__interval": "15s", "$__range": "30m", "$operation": ".*"}
"""What Grafana puts in place of its variables."""


def filled(question: str) -> str:
    for name, value in BUILT_IN.items():
        question = question.replace(name, value)
    return question


@dataclass(frozen=True)
class Watch:
    """The addresses of the three pages."""

    deployment: Deployment
    prometheus: str
    alertmanager: str
    grafana: str

    def compose(self, *arguments: str, check: bool = True) -> str:
        files = ("-f", FILE, "-f", OVERRIDE)
        return self.deployment.run("docker", "compose", *files, *arguments, check=check)

    def ask(self, question: str) -> Sequence[dict[str, Any]]:
        """The series that answer a question now, without those that are not a number."""
        answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": filled(question)}, timeout=30).json()
        assert answer["status"] == "success", (question, answer)
        return [each for each in answer["data"]["result"] if math.isfinite(float(each["value"][1]))]

    def number(self, question: str) -> float:
        """The sum of the series that answer a question; 0 without any."""
        return sum(float(each["value"][1]) for each in self.ask(question))

    def targets(self) -> dict[str, str]:
        """The health of each target, by job, service and address."""
        active = httpx.get(f"{self.prometheus}/api/v1/targets", timeout=30).json()["data"]["activeTargets"]
        return {
            f"{each['labels']['job']} {each['labels'].get('service', '')} {each['labels']['instance']}": each["health"]
            + (f": {each['lastError']}" if each["lastError"] else "")
            for each in active
        }

    def alerts(self) -> set[str]:
        """The names of the alerts that have arrived in Alertmanager and last, silenced by others or not."""
        found = httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=30).json()
        return {each["labels"]["alertname"] for each in found}

    def empty(self, panels: Sequence[Panel]) -> list[str]:
        """The panels of which a question has had no number for some minutes."""
        return [each.title for each in panels if not all(self._has_answer(question) for question in each.questions)]

    def _has_answer(self, question: Question) -> bool:
        now = time.time()
        told = {"query": filled(question.expr), "start": now - 300, "end": now, "step": 10}
        answer = httpx.get(f"{self.prometheus}/api/v1/query_range", params=told, timeout=30).json()
        assert answer["status"] == "success", (question, answer)
        return any(math.isfinite(float(value)) for each in answer["data"]["result"] for _, value in each["values"])


@contextmanager
def watched(deployment: Deployment) -> Iterator[Watch]:
    """Up beside a deployment; down again at the end, before the deployment."""
    ports = [free_port() for _ in range(3)]
    names = ("PROMETHEUS_PUBLISHED", "ALERTMANAGER_PUBLISHED", "GRAFANA_PUBLISHED")
    deployment.environment.update({name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)})
    way = {"services": {"prometheus": {"extra_hosts": ["faults.test:host-gateway"]}}}
    (deployment.folder / OVERRIDE).write_text(json.dumps(way), encoding="utf-8")
    watch = Watch(deployment, *(f"http://127.0.0.1:{port}" for port in ports))
    try:
        watch.compose("up", "--detach", "--wait")
        yield watch
    finally:
        watch.compose("down", "--volumes", "--timeout", "5", check=False)
