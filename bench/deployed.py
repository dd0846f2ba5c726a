"""How many bookings a second do the two compose files take, and what CPU does one cost, beside `daybook up`?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from application.access import Role
from bench.tools import processes
from bench.tools.figure import ROUNDS, Figure, Side, Turns
from bench.tools.load import load
from bench.tools.place import Place
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.local.programs import HOST
from tests.support.instances import PATIENT, Instance, a_folder
from tests.system.compose.deployment import GUNICORN, NGINX, Deployment, MailCatcher, deployed
from tests.system.compose.salon import open_salon

CONNECTIONS = 16
PROCESSES = 2  # of the API, on every side
SALONS = 4
_UP = "daybook up"
_FILES = {GUNICORN: "gunicorn's file", NGINX: "nginx's file, with TLS"}


@dataclass
class Stand:
    """One running Daybook. `pids`: of the processes that started all others, those of its servers among them."""

    port: int
    requests: Iterator[bytes]
    pids: Callable[[], Sequence[int]]
    certificate: Path | None = None
    costs: list[float] = field(default_factory=list)

    def measure(self, count: int) -> float:
        """Bookings a second. Keeps the CPU of one, in microseconds."""
        requests = [next(self.requests) for _ in range(count)]
        before = processes.cpu(*self.pids())
        found = load(self.port, requests, connections=CONNECTIONS, expected=(201,), certificate=self.certificate)
        self.costs.append((processes.cpu(*self.pids()) - before) / count * 1e6)
        return found.rate


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README. The servers of `place` are idle meanwhile: each side has its own."""
    count = place.size(300, 16)
    with ExitStack() as stack:
        tell("deployed: starting both compose files")
        catcher = stack.enter_context(MailCatcher().listening())
        stands = {name: stack.enter_context(_composed(file, catcher, count)) for file, name in _FILES.items()}
        stands[_UP] = stack.enter_context(_up(count))
        for stand in stands.values():
            stand.measure(count)
            stand.costs.clear()
        sides = {name: partial(each.measure, count) for name, each in stands.items()}
        turns = Turns("deployed", sides, place.rounds, tell).take()
    rates = [turns.figure(name, _UP, unit="bookings/s") for name in _FILES.values()]
    cost = {name: Side(name, stand.costs) for name, stand in stands.items()}
    return rates + [Figure("deployed", "us CPU/booking", cost[name], cost[_UP]) for name in _FILES.values()]


@contextmanager
def _composed(file: str, catcher: MailCatcher, count: int) -> Iterator[Stand]:
    patient = {"api": {"environment": PATIENT, "extra_hosts": ["mail.test:host-gateway"]}}  # as `daybook up` beside it
    with a_folder("daybook-bench-") as folder, deployed(file, folder, catcher, patient) as up, up.client() as web:
        secrets = folder / "docker/secrets"
        tokens = AccessTokens((secrets / "secret_key").read_text(encoding="utf-8"))
        port = int(up.url.rpartition(":")[2])
        certificate = secrets / "tls_certificate" if file == NGINX else None
        yield Stand(port, _bookings(web, tokens, count), partial(_containers, up), certificate)


@contextmanager
def _up(count: int) -> Iterator[Stand]:
    with (
        a_folder("daybook-bench-") as folder,
        Instance.start(folder, apis=PROCESSES, workers=2) as instance,
        httpx.Client(base_url=instance.api, timeout=60) as web,
    ):
        bookings = _bookings(web, AccessTokens(instance.secret_key), count)
        top = instance.process.process.pid
        yield Stand(int(instance.api.rpartition(":")[2]), bookings, lambda: [top])


def _bookings(web: httpx.Client, tokens: AccessTokens, count: int) -> Iterator[bytes]:
    """Requests for free times of several salons, each by a customer of its own, for all rounds."""

    def token(role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.issue(uuid4(), role)}"}

    salons = [open_salon(web, token(Role.PROVIDER)) for _ in range(SALONS)]
    needed = (ROUNDS + 1) * count // SALONS
    wishes = [(salon, start) for start in range(needed) for salon in salons]
    assert all(len(salon.starts) >= needed for salon in salons)
    for salon, number in wishes:
        wish = {"service_id": salon.service, "provider_id": salon.provider, "start": salon.starts[number]}
        yield _written(json.dumps(wish).encode(), token(Role.CUSTOMER)["Authorization"])


def _written(body: bytes, bearer: str) -> bytes:
    head = (
        "POST /v1/appointments HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: {bearer}",
        f"Idempotency-Key: {uuid4().hex}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _containers(up: Deployment) -> Sequence[int]:
    """The first process of each container, as this machine numbers them."""
    ids = up.compose("ps", "--quiet").split()
    shown = ["docker", "inspect", "--format", "{{.State.Pid}}", *ids]
    return [int(pid) for pid in subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()]
