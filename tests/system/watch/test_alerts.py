"""Each alert fires by its fault and arrives in Alertmanager, with windows and waits divided by one number."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
import yaml

from docker.prometheus import alerts
from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import NGINX, PATIENCE, MailCatcher, deployed
from tests.system.compose.salon import open_salon, signed_up
from tests.system.watch.faults import Faults, Told
from tests.system.watch.watching import Watch, watched

ROOT = Path(__file__).parents[3]
DIVISOR = 60
OLD = 1_000_000_000
BROKEN = "no metric at all {"
Fault = Callable[[Faults], AbstractContextManager[None]]
FAULTS: dict[str, Fault] = {
    "CertificateEnds": lambda faults: faults.metric(f"daybook_certificate_expiry_timestamp_seconds {OLD}"),
    "BackupOld": lambda faults: faults.metric(f'daybook_backup_last_success_timestamp_seconds{{kind="base"}} {OLD}'),
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
    "DoubleBooking": lambda faults: faults.refusing_table("occupancy"),
    "ApiOverloaded": lambda faults: faults.slow(),
    "LatencyBurn": lambda faults: faults.slow(),
    "ApiDown": lambda faults: faults.stopped("api"),
    "PostgreSQLDown": lambda faults: faults.without_database(),
    "AvailabilityBurn": lambda faults: faults.without_database(),
    "LedgerBroken": lambda faults: faults.forged(),
}
BY_RULE_TESTS_ALONE = {"LedgerNotVerified"}
"""It waits for a day without anything; docker/prometheus/alerts_days_test.yml has that day."""


@pytest.fixture(scope="module")
def catcher() -> Iterator[MailCatcher]:
    with MailCatcher().listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with Told().listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory, catcher: MailCatcher, told: Told) -> Iterator[Watch]:
    with deployed(NGINX, tmp_path_factory.mktemp("daybook"), catcher) as up:
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
        owner = signed_up(web, catcher, "provider")
        customer = signed_up(web, catcher, "customer")
    owner.pop("email"), customer.pop("email")

    def salon(web: httpx.Client) -> None:
        """A new provider and service, and a booking."""
        opened = open_salon(web, owner)
        wish = {"service_id": opened.service, "start": opened.starts[0]}
        web.post("/v1/appointments", json=wish, headers=customer).raise_for_status()

    return Faults(watch.deployment, told, salon)


def test_every_alert_has_a_fault() -> None:
    assert FAULTS.keys() | BY_RULE_TESTS_ALONE == {each.name for each in alerts.ALERTS}


@pytest.mark.parametrize("name", FAULTS)
def test_an_alert_fires_by_its_fault_and_arrives(name: str, watch: Watch, faults: Faults) -> None:
    assert wait_until(lambda: not watch.alerts(), PATIENCE), f"all is well again: {watch.alerts()}"
    with FAULTS[name](faults):
        began = time.monotonic()
        assert wait_until(lambda: name in watch.alerts(), PATIENCE), watch.alerts()
        sys.stderr.write(f"\n{name}: {time.monotonic() - began:.0f} s, with {sorted(watch.alerts() - {name})}\n")


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
