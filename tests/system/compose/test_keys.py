"""The key drill: secrets change under load; nobody is signed out, nothing is unreadable. And MASTER_KEY is lost."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

import httpx
import pytest

from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import GUNICORN, PATIENCE, Deployment, MailCatcher, code_of
from tests.system.compose.salon import PASSWORD, open_salon, signed_up
from tests.system.compose.test_replacement import Load
from tests.system.compose.test_restore import book

ANOTHER = "x" * 44
RENEWED = 240.0  # seconds
CHANGED = "secret_key", "master_key", "db_pass", "db_superuser_pass", "redis_pass", "broker_pass", "flower_basic_auth"


@dataclass
class Session:
    """Somebody who is signed in, with a refresh token and a cursor of before."""

    web: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)
    refresh: str = ""
    _renewing: Lock = field(default_factory=Lock)

    def begin(self, email: str) -> None:
        self._take({"grant_type": "password", "username": email, "password": PASSWORD})

    def renew(self) -> None:
        with self._renewing:
            self._take({"grant_type": "refresh_token", "refresh_token": self.refresh})

    def stay(self, over: Event) -> None:
        """Renew it in time, as a client does: on a busy machine, a change takes longer than a token is valid."""
        while not over.wait(RENEWED):
            self.renew()

    def _take(self, form: dict[str, str]) -> None:
        answers: list[httpx.Response] = []

        def is_answered() -> bool:
            answers.append(self.web.post("/v1/auth/token", data=form))
            return answers[-1].status_code not in {502, 503, 504}

        assert wait_until(is_answered, PATIENCE)
        answer = answers[-1]
        assert answer.status_code == 200, answer.text
        self.refresh = answer.json()["refresh_token"]
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def test_every_key_is_changed_under_load(deployment: Deployment, catcher: MailCatcher) -> None:
    with deployment.client() as web:
        owner, customer = signed_up(web, catcher, "provider"), signed_up(web, catcher, "customer")
        email = customer.pop("email")
        owner.pop("email")
        salon, session = open_salon(web, owner), Session(web)
        session.begin(email)
        for start in salon.starts[500:503]:
            book(web, salon, session.headers, start)
        cursor = web.get("/v1/appointments", params={"limit": "1"}, headers=session.headers).json()["next"]
        before = {name: secret(deployment, name) for name in CHANGED}
        load = Load(web, salon, session.headers)
        with ThreadPoolExecutor(5) as clients:
            asking = [clients.submit(load.go, salon.starts[n:400:4]) for n in range(4)]
            asking.append(clients.submit(session.stay, load.enough))
            try:
                for name in before:
                    began = time.monotonic()
                    deployment.run("docker/rotate", "-f", deployment.file, "-f", "test.yml", name)
                    sys.stderr.write(f"\n{name}: {time.monotonic() - began:.0f} s, {dict(load.answers)}\n")
                    page = web.get("/v1/appointments", params={"limit": "1", "cursor": cursor}, headers=session.headers)
                    assert page.status_code == 200, page.text
                    assert web.get("/v1/me", headers=session.headers).json()["name"] == "Grace Hopper"
                    session.renew()
                asked = load.answers.total()
                assert wait_until(lambda: load.has_asked(asked + 50), PATIENCE)
            finally:
                load.enough.set()
            for each in asking:
                each.result()  # the load itself fails at a 401
        assert all(secret(deployment, name) != old for name, old in before.items())
        for service in ("redis", "broker"):
            assert "PONG" not in pinged(deployment, service, before[f"{service}_pass"])
            assert pinged(deployment, service, secret(deployment, f"{service}_pass")) == "PONG\n"
        assert flower_answers(deployment, before["flower_basic_auth"]) == 401
        assert flower_answers(deployment, secret(deployment, "flower_basic_auth")) == 200
        assert set(load.answers) <= {"200", "201"} or load.errors + busy(load) <= load.answers.total() * 0.01, (
            load.answers
        )
        Session(web).begin(email)  # the password is still known
        mine = web.get("/v1/me", headers=signed_up(web, catcher, "customer")).json()
        assert mine["name"] == "Grace Hopper"
    assert "OK" in deployment.compose("exec", "-T", "api", "daybook", "audit", "verify")


def secret(deployment: Deployment, name: str) -> str:
    return (deployment.folder / "docker/secrets" / name).read_text(encoding="utf-8")


def pinged(deployment: Deployment, service: str, password: str) -> str:
    return deployment.compose("exec", "-T", "--env", f"REDISCLI_AUTH={password}", service, "redis-cli", "ping")


def flower_answers(deployment: Deployment, pair: str) -> int:
    door = deployment.compose("port", "flower", "5555").strip()
    return httpx.get(
        f"http://{door}/", auth=httpx.BasicAuth(*pair.split(":")), follow_redirects=True, timeout=PATIENCE
    ).status_code


def busy(load: Load) -> int:
    return sum(count for kind, count in load.answers.items() if kind in {"502", "503", "504"})


@pytest.mark.parametrize("deployment", [GUNICORN], indirect=True)
def test_without_the_master_key_the_history_is_whole_and_nobody_is_in_it(
    deployment: Deployment, catcher: MailCatcher
) -> None:
    """What is left, as docs/operations.md says: the log can be verified, and no process starts that needs a person."""
    file = deployment.folder / "docker/secrets/master_key"
    known = file.read_text(encoding="utf-8")
    file.chmod(0o644)
    file.write_text(ANOTHER, encoding="utf-8")
    assert "OK" in deployment.compose("run", "--rm", "--no-deps", "-T", "migrate", "audit", "verify")
    refused = deployment.run(
        *("sh", "-c", f"docker compose -f {deployment.file} run --rm --no-deps -T api api 2>&1 | tail -n 3")
    )
    assert "was encrypted by another master key" in refused
    file.write_text(known, encoding="utf-8")
    deployment.compose("up", "--detach", "--wait", "--force-recreate", "--no-deps", "api")
    with deployment.client() as web:
        assert code_of(catcher.mails[0])
        assert web.get("/v1/me", headers=signed_up(web, catcher, "customer")).json()["name"] == "Grace Hopper"
