"""Either application file and the Prometheus file: every target is up, and every panel has an answer after a load."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from docker.grafana.boards import ALL
from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import GUNICORN, NGINX, PATIENCE, MailCatcher, deployed, left_of
from tests.system.compose.salon import open_salon, signed_up
from tests.system.compose.test_replacement import Load
from tests.system.watch.watching import Watch, watched

BOOKINGS = 150
EMPTY_WHEN_ALL_IS_WELL = {"Server errors by operation", "Claimed again", "Webhooks"}
ONLY_WITH_NGINX = {"Connections of nginx"}


@pytest.fixture(scope="module")
def catcher() -> Iterator[MailCatcher]:
    with MailCatcher().listening() as listening:
        yield listening


@pytest.fixture(scope="module", params=[NGINX, GUNICORN])
def watch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, catcher: MailCatcher
) -> Iterator[Watch]:
    with deployed(request.param, tmp_path_factory.mktemp("daybook"), catcher) as up, watched(up) as watching:
        yield watching
    assert not left_of(up.project)


def load(web: httpx.Client, catcher: MailCatcher) -> None:
    """Bookings, reads, cancellations, holds and refusals of a salon."""
    owner, customer = signed_up(web, catcher, "provider"), signed_up(web, catcher, "customer")
    owner.pop("email"), customer.pop("email")
    salon = open_salon(web, owner)
    busy = Load(web, salon, customer)
    with ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(busy.go, salon.starts[n:BOOKINGS:4]) for n in range(4)]
        assert wait_until(lambda: len(busy.booked) >= BOOKINGS - 4, PATIENCE)
        busy.enough.set()
        for each in asking:
            each.result()
    asked = {"service_id": salon.service, "from": salon.starts[-1], "to": salon.starts[-1], "tz": "UTC"}
    for start, id in list(busy.booked.items())[:10]:
        web.post(f"/v1/appointments/{id}/cancel", json={}, headers=customer | {"If-Match": '"1"'})
        web.get("/v1/availability", params=asked)
        web.post("/v1/appointments", json={"service_id": salon.service, "start": start}, headers=customer)
    web.post("/v1/holds", json={"service_id": salon.service, "start": salon.starts[-2]}, headers=customer)
    web.get("/v1/jobs", headers=customer)


def test_every_target_is_up(watch: Watch) -> None:
    def settled() -> bool:
        health = watch.targets()
        roles = {each.split()[1] for each in health if each.startswith("daybook ")}
        all_there = roles == {"api", "projector", "projector-standby", "worker", "worker-webhooks", "beat"}
        return all_there and set(health.values()) == {"up"}

    assert wait_until(settled, PATIENCE), watch.targets()
    apis = [each for each in watch.targets() if each.startswith("daybook api")]
    assert len(apis) == (2 if watch.deployment.file == NGINX else 1)


def test_every_panel_has_an_answer_after_a_load(watch: Watch, catcher: MailCatcher) -> None:
    with watch.deployment.client() as web:
        load(web, catcher)
    normal = EMPTY_WHEN_ALL_IS_WELL | (set() if watch.deployment.file == NGINX else ONLY_WITH_NGINX)
    panels = [panel for board in ALL for panel in board.panels]
    wait_until(lambda: not {*watch.empty(panels)} - normal, 60)
    assert {*watch.empty(panels)} - normal == set()
