"""Containers and workers are replaced under load, and a projector dies: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import GUNICORN, NGINX, PATIENCE, Deployment, MailCatcher
from tests.system.compose.salon import Salon, open_salon, signed_up

REPLACEMENTS = 3
BOOKINGS, PAUSE = 1_000, 0.05  # seconds between the requests of a client


@dataclass
class Load:
    """Bookings that clients send one after the other, each again with its key until it is answered; then they read.

    A customer may write a limited number of bytes in a day: BOOKINGS stays below it.
    """

    web: httpx.Client
    salon: Salon
    who: dict[str, str]
    booked: dict[str, str] = field(default_factory=dict)
    positions: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    enough: Event = field(default_factory=Event)

    def go(self, own: list[str]) -> None:
        for start in own:
            if self.enough.is_set():
                return
            wish = {"service_id": self.salon.service, "provider_id": self.salon.provider, "start": start}
            key = {"Idempotency-Key": f"key-{uuid4().hex}"}
            answer = self._until_answered("POST", "/v1/appointments", json=wish, headers=self.who | key)
            assert answer.status_code == 201, answer.text
            self.booked[start] = answer.json()["id"]
            self.positions.append(answer.headers["daybook-position"])
        while not self.enough.is_set():
            answer = self._until_answered("GET", f"/v1/appointments/{self.booked[own[-1]]}", headers=self.who)
            assert answer.status_code == 200, answer.text

    def _until_answered(self, method: str, path: str, **said: Any) -> httpx.Response:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            time.sleep(PAUSE)
            try:
                answer = self.web.request(method, path, **said)
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
                continue
            self.answers[str(answer.status_code)] += 1
            if answer.status_code not in {502, 503, 504}:
                return answer
        raise AssertionError(f"no answer to {method} {path}: {dict(self.answers)}")

    def has_asked(self, times: int) -> bool:
        return self.answers.total() >= times

    @property
    def errors(self) -> int:
        """Requests that got no answer at all."""
        return sum(count for kind, count in self.answers.items() if not kind.isdigit())


@pytest.mark.fault(4)
def test_containers_are_replaced_under_load(deployment: Deployment, catcher: MailCatcher) -> None:
    with deployment.client() as web:
        owner, customer = signed_up(web, catcher, "provider"), signed_up(web, catcher, "customer")
        owner.pop("email"), customer.pop("email")
        salon = open_salon(web, owner)
        load = Load(web, salon, customer)
        with ThreadPoolExecutor(8) as clients:
            asking = [clients.submit(load.go, salon.starts[n:BOOKINGS:8]) for n in range(8)]
            if deployment.file == NGINX:
                for service in ("api", "worker"):
                    deployment.run("docker/rollout", "-f", deployment.file, "-f", "test.yml", service)
            else:
                for round_ in range(1, REPLACEMENTS + 1):
                    asked = load.answers.total()
                    deployment.compose("kill", "--signal", "HUP", "api")
                    assert wait_until(partial(_replaced, deployment, 2 * round_), PATIENCE)
                    assert wait_until(partial(load.has_asked, asked + 150), PATIENCE)
            total, errors = load.answers.total(), load.errors
            sys.stderr.write(f"\n{deployment.file}: {total} requests, answers {dict(load.answers)}\n")
            if deployment.file == GUNICORN:  # its only container: requests are refused, and nothing is lost
                deployment.compose("up", "--detach", "--no-deps", "--force-recreate", "--wait", "api")
                sys.stderr.write(f"its container recreated: answers {dict(load.answers)}\n")
            load.enough.set()
            for each in asking:
                each.result()
        assert load.booked
        assert errors <= total * 0.001
        last = {"Daybook-Position": max(load.positions, key=lambda position: int(position.partition(".")[2]))}
        listed: list[str] = []
        cursor: str | None = None
        while True:
            asked = {"provider_id": salon.provider, "limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = web.get("/v1/appointments", params=asked, headers=owner | last).json()
            listed += [each["id"] for each in page["items"]]
            if not (cursor := page["next"]):
                break
        assert sorted(listed) == sorted(load.booked.values())
        verified = deployment.compose("exec", "-T", "api", "daybook", "audit", "verify")
        assert "OK" in verified


def _replaced(deployment: Deployment, workers: int) -> bool:
    """Whether so many workers of gunicorn have been told to end."""
    return deployment.compose("logs", "api").count("was sent SIGTERM") >= workers


def leader(deployment: Deployment) -> str:
    """The projector that has taken the lead last. On a busy machine it moves by itself."""
    found = {}
    for service in ("projector", "projector-standby"):
        lines = deployment.compose("logs", "--no-log-prefix", service).splitlines()
        said = (line[line.index("{") :] for line in lines if "projector is now the leader" in line)  # after codes
        taken = [json.loads(line)["timestamp"] for line in said]
        found[service] = max(taken, default="")
    return max(found, key=lambda service: found[service])


@pytest.mark.parametrize("deployment", [NGINX], indirect=True)
def test_a_standby_projector_takes_over(deployment: Deployment, catcher: MailCatcher) -> None:
    before = leader(deployment)
    (standby,) = {"projector", "projector-standby"} - {before}
    with deployment.client() as web:
        owner = signed_up(web, catcher, "provider")
        owner.pop("email")
        began = time.monotonic()
        deployment.compose("kill", before)
        try:
            assert wait_until(lambda: leader(deployment) == standby, PATIENCE)
            sys.stderr.write(f"\n{standby} leads after {time.monotonic() - began:.1f} s\n")
            salon = open_salon(web, owner)  # reads what it has written
            assert salon.starts
        finally:
            deployment.compose("up", "--detach", "--wait", before)
