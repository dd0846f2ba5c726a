"""Each alert fires by its fault and arrives in Alertmanager, with windows and waits divided by one number."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
import yaml

from docker.grafana.boards import ALL
from docker.prometheus import alerts
from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import NGINX, PATIENCE, MailCatcher, deployed
from tests.system.compose.salon import once, open_salon, signed_in, signed_up
from tests.system.watch.faults import BACKED_UP, Faults, Told
from tests.system.watch.runbook import HEAD, SECTIONS, commands
from tests.system.watch.terminal import Terminal
from tests.system.watch.test_watch import EMPTY_WHEN_ALL_IS_WELL
from tests.system.watch.watching import Watch, watched

ROOT = Path(__file__).parents[3]
DIVISOR = 60
OLD = 1_000_000_000
BROKEN = "no metric at all {"
Fault = Callable[[Faults], AbstractContextManager[None]]
FAULTS: dict[str, Fault] = {
    "CertificateEnds": lambda faults: faults.metric(f"daybook_certificate_expiry_timestamp_seconds {OLD}"),
    "BackupOld": lambda faults: faults.backed_up_long_ago(),
    "BackupMissing": lambda faults: faults.never_backed_up(),
    "ClockSkew": lambda faults: faults.metric("daybook_clock_offset_seconds 3"),
    "DiskFull": lambda faults: faults.metric(
        'node_filesystem_avail_bytes{mountpoint="/data",fstype="ext4"} 5\n'
        'node_filesystem_size_bytes{mountpoint="/data",fstype="ext4"} 100'
    ),
    "TargetDown": lambda faults: faults.metric(BROKEN),
    "RedisDown": lambda faults: faults.stopped("redis"),
    "QueueWithoutWorker": lambda faults: faults.stopped("worker-webhooks"),
    "JobLag": lambda faults: faults.late_job(),
    "DeadJobs": lambda faults: faults.job("remind", "now()"),
    "NoBeat": lambda faults: faults.stopped("beat"),
    "NoProjector": lambda faults: faults.stopped("projector", "projector-standby"),
    "ProjectionStopped": lambda faults: faults.refusing_table("provider"),
    "ProjectionLag": lambda faults: faults.locked("provider"),
    "DoubleBooking": lambda faults: faults.double_booking(),
    "ApiOverloaded": lambda faults: faults.slow(),
    "LatencyBurn": lambda faults: faults.locked("provider"),
    "ApiDown": lambda faults: faults.stopped("api"),
    "PostgreSQLDown": lambda faults: faults.without_database(),
    "AvailabilityBurn": lambda faults: faults.without_database(),
    "LedgerBroken": lambda faults: faults.forged(),
}
LOOKS = re.compile(r"docker compose (ps|logs|exec postgres psql) |daybook( status| projections| audit verify)$")
"""Commands of the runbook that change nothing."""
SEEN: Mapping[str, str] = {
    "RedisDown": r"redis.*Exited",
    "QueueWithoutWorker": r"worker-webhooks.*Exited",
    "DeadJobs": r"remind",
    "NoBeat": r"beat.*Exited",
    "NoProjector": r"projector.*Exited",
    "ProjectionStopped": r"directory stopped at position \d+: CheckViolation",
    "ProjectionLag": r"LOCK TABLE",
    "DoubleBooking": r"occupancy stopped at position \d+: ExclusionViolation",
    "ApiDown": r"api.*Exited",
    "PostgreSQLDown": r"postgres.*Exited",
    "AvailabilityBurn": r'"status":50\d',
    "LedgerBroken": r"FAILED: ",
    "JobLag": r"worker-webhooks.*Exited",
}
"""The causes that the runbook's section shows to whoever types its commands. Of the others, a panel shows the cause."""
FILLED_BY: dict[str, Fault] = {
    "Claimed again": lambda faults: faults.lost_job(),
    "Server errors by operation": lambda faults: faults.without_database(),
}
"""Panels of which a question has no answer while all is well."""
BY_RULE_TESTS_ALONE = {"LedgerNotVerified"}
"""It waits for a day without anything; docker/prometheus/alerts_days_test.yml has that day."""


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with Told().listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory, catcher: MailCatcher, told: Told) -> Iterator[Watch]:
    with deployed(NGINX, tmp_path_factory.mktemp("daybook"), catcher) as up:
        up.sql(BACKED_UP)
        hurry(up.folder / "docker/prometheus", told.port)
        with watched(up) as watching:
            assert wait_until(lambda: watching.number('up{job="faults"}') == 1, PATIENCE)
            assert wait_until(lambda: not watching.alerts(), PATIENCE), watching.alerts()
            yield watching


def hurry(folder: Path, port: int) -> None:
    """Prometheus looks every two seconds, and asks the server of the test too."""
    (folder / "alerts.yml").write_text(alerts.written(DIVISOR), encoding="utf-8")
    asked = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    asked["global"] = {"scrape_interval": "2s", "evaluation_interval": "1s"}
    asked["scrape_configs"].append({"job_name": "faults", "static_configs": [{"targets": [f"faults.test:{port}"]}]})
    (folder / "prometheus.yml").write_text(yaml.safe_dump(asked), encoding="utf-8")


@pytest.fixture(scope="module")
def faults(watch: Watch, catcher: MailCatcher, told: Told) -> Faults:
    with watch.deployment.client() as web:
        people = [signed_up(web, catcher, role)["email"] for role in ("provider", "customer")]

    def salon(web: httpx.Client) -> Callable[[int], None]:
        owner, customer = (_header(web, email) for email in people)
        opened = open_salon(web, owner)

        def book(number: int) -> None:
            wish = {"service_id": opened.service, "start": opened.starts[number]}
            web.post("/v1/appointments", json=wish, headers=customer | once()).raise_for_status()

        book(0)
        return book

    return Faults(watch.deployment, told, salon)


def _header(web: httpx.Client, email: str) -> dict[str, str]:
    """Of a session of its own: the tests last longer than a token."""
    return {"Authorization": signed_in(web, email)["Authorization"]}


def calm(watch: Watch) -> bool:
    """Whether nothing is wrong that a test has caused: no ledger is verified in all that time."""
    return watch.alerts() <= BY_RULE_TESTS_ALONE


def test_every_alert_has_a_fault() -> None:
    assert FAULTS.keys() | BY_RULE_TESTS_ALONE == {each.name for each in alerts.ALERTS}


@pytest.mark.parametrize("name", FAULTS)
def test_an_alert_fires_by_its_fault_and_arrives(name: str, watch: Watch, faults: Faults) -> None:
    assert wait_until(lambda: calm(watch), PATIENCE), f"all is well again: {watch.alerts()}"
    with FAULTS[name](faults):
        began = time.monotonic()
        assert wait_until(lambda: name in watch.alerts(), PATIENCE), watch.alerts()
        sys.stderr.write(f"\n{name}: {time.monotonic() - began:.0f} s, with {sorted(watch.alerts() - {name})}\n")
        if name in SEEN:
            shown = what_the_runbook_shows(name, Terminal(watch.deployment))
            assert re.search(SEEN[name], shown), shown


def what_the_runbook_shows(alert: str, terminal: Terminal) -> str:
    """On the screen of whoever types what the section of an alert, and that which it leads to, says to look at."""
    typed = [*commands(HEAD), *commands(SECTIONS[alert])]
    if alert == "JobLag":  # its section leads to that of the queue
        typed += commands(SECTIONS["QueueWithoutWorker"])
    return "\n".join(terminal.type(each)[1] for each in dict.fromkeys(typed) if LOOKS.match(each))


def test_every_panel_that_is_empty_when_all_is_well_has_a_fault() -> None:
    assert FILLED_BY.keys() == EMPTY_WHEN_ALL_IS_WELL


@pytest.mark.parametrize("title", FILLED_BY)
def test_a_panel_that_is_empty_when_all_is_well_is_filled_by_its_fault(
    title: str, watch: Watch, faults: Faults
) -> None:
    panels = [panel for board in ALL for panel in board.panels if panel.title == title]
    with FILLED_BY[title](faults):
        assert wait_until(lambda: not watch.empty(panels), PATIENCE)


def promtool(*arguments: str) -> str:
    """The output of promtool, from the image of the compose file; it must succeed."""
    text = (ROOT / "docker-compose-prometheus.yml").read_text(encoding="utf-8")
    (image,) = re.findall(r"image: (prom/prometheus:.*)", text)
    volume = f"{ROOT / 'docker/prometheus'}:/etc/prometheus:ro"
    command = ["docker", "run", "--rm", "--entrypoint", "promtool", "--volume", volume, "--workdir", "/etc/prometheus"]
    done = subprocess.run([*command, image, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_configuration_and_rules() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "alerts.yml")


def test_real_windows_keep_their_promises() -> None:
    promtool("test", "rules", "alerts_test.yml", "alerts_days_test.yml")
