"""Either application file and the Prometheus file: every target is up, and every panel has an answer after a load."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from docker.grafana.boards import ALL
from infrastructure.local.programs import wait_until
from tests.grafana import as_shown
from tests.system.compose.deployment import GUNICORN, NGINX, PATIENCE, MailCatcher, deployed, left_of
from tests.system.compose.salon import once, open_salon, signed_up
from tests.system.compose.test_replacement import Load
from tests.system.watch.runbook import HEAD, TEXT, commands
from tests.system.watch.terminal import SET_ONCE, Terminal
from tests.system.watch.watching import Watch, watched

BOOKINGS = 150
EMPTY_WHEN_ALL_IS_WELL = {"Server errors by operation", "Claimed again"}
OF_THE_MACHINE = ("ssh ", "your-host", "prune", "timedatectl")
"""Commands of the runbook that concern more than the deployment, or that no test can answer."""
MENTIONED = {"docker/backup", "docker/prepare", "daybook audit verify --checkpoint FILE"}
OF_NGINX = ("nginx", "api=4")
ONLY_WITH_NGINX = {"Connections of nginx"}


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
    last = salon.starts[-1][:10]
    asked = {"service_id": salon.service, "from": last, "to": last, "tz": "UTC"}
    for start, id in list(busy.booked.items())[:10]:
        web.post(f"/v1/appointments/{id}/cancel", json={}, headers=customer | {"If-Match": '"1"'}).raise_for_status()
        web.get("/v1/availability", params=asked).raise_for_status()
        again = {"service_id": salon.service, "start": start}
        web.post("/v1/appointments", json=again, headers=customer | once()).raise_for_status()
        assert web.post("/v1/appointments", json=again, headers=customer | once()).status_code == 409
    held = {"service_id": salon.service, "start": salon.starts[-2]}
    web.post("/v1/holds", json=held, headers=customer | once()).raise_for_status()
    assert web.get("/v1/jobs", headers=customer).status_code == 403


def test_every_target_is_up(watch: Watch) -> None:
    def settled() -> bool:
        health = watch.targets()
        roles = {each.split()[1] for each in health if each.startswith("daybook ")}
        all_there = roles == {"api", "panel", "projector", "projector-standby", "worker", "worker-webhooks", "beat"}
        return all_there and set(health.values()) == {"up"}

    assert wait_until(settled, PATIENCE), watch.targets()
    apis = [each for each in watch.targets() if each.startswith("daybook api")]
    assert len(apis) == (2 if watch.deployment.file == NGINX else 1)


def test_every_panel_has_an_answer_after_a_load(watch: Watch, catcher: MailCatcher) -> None:
    with watch.deployment.client() as web:
        load(web, catcher)
    normal = EMPTY_WHEN_ALL_IS_WELL | (set() if watch.deployment.file == NGINX else ONLY_WITH_NGINX)
    panels = [panel for board in ALL for panel in board.panels if not panel.questions[0].sql]
    wait_until(lambda: not {*watch.empty(panels)} - normal, 60)
    assert {*watch.empty(panels)} - normal == set()


def test_grafana_s_login_may_ask_what_its_panels_ask(watch: Watch) -> None:
    asked = [each.expr for board in ALL for panel in board.panels for each in panel.questions if each.sql]
    assert asked
    for question in asked:
        watch.deployment.sql(as_shown(question), "daybook_grafana")


def test_the_commands_of_the_runbook_work_as_typed(watch: Watch, tmp_path: Path) -> None:
    terminal, folder = Terminal(watch.deployment), watch.deployment.folder
    for name in ("tls_certificate", "tls_key"):
        shutil.copy2(folder / "docker/secrets" / name, tmp_path / name)
    certificate = f"--certificate {tmp_path}/tls_certificate --key {tmp_path}/tls_key"
    chosen = {
        "--certificate FILE --key FILE": certificate,
        "/srv/backups": str(tmp_path),
        "$COMPOSE_FILE": watch.deployment.file,
        "POSITION": "5",
        "NAME": "occupancy",
    }
    refused = {}
    for written in dict.fromkeys([*commands(HEAD), *commands(TEXT)]):
        if any(each in written for each in OF_THE_MACHINE) or written in {*MENTIONED, *SET_ONCE}:
            continue
        if watch.deployment.file != NGINX and any(each in written for each in OF_NGINX):
            continue
        typed = written.replace("CONTAINER", watch.deployment.containers("api")[0])  # a command before may replace it
        for word, meant in chosen.items():
            typed = typed.replace(word, meant)
        status, shown = terminal.type(typed)
        if status > (1 if "grep" in typed or typed == "daybook status" else 0):
            refused[written] = shown[-600:]
    assert refused == {}
