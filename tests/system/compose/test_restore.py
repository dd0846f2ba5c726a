"""The restore drill: a backup under load, volumes lost, restored to a minute; no mail, no erased person comes back."""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import GUNICORN, PATIENCE, Deployment, MailCatcher
from tests.system.compose.salon import PASSWORD, Salon, open_salon, signed_up
from tests.system.compose.test_replacement import Load

QUIET = 20  # bookings whose mails wait at the moment that is restored


def backup(deployment: Deployment, folder: Path, what: str) -> None:
    deployment.run("docker/backup", "-f", deployment.file, "-f", "test.yml", "--to", str(folder), what)


def an_admin(deployment: Deployment, web: httpx.Client) -> dict[str, str]:
    email, password = f"admin-{uuid4().hex[:8]}@example.org", f"{PASSWORD} and more"
    command = f"docker compose -f {deployment.file} run --rm -T migrate admin create --email {email} --password-stdin"
    deployment.run("sh", "-c", f"echo '{password}' | {command}")
    form = {"grant_type": "password", "username": email, "password": password}
    return {"Authorization": f"Bearer {web.post('/v1/auth/token', data=form).json()['access_token']}"}


def book(web: httpx.Client, salon: Salon, who: dict[str, str], start: str) -> str:
    wish = {"service_id": salon.service, "provider_id": salon.provider, "start": start}
    answer = web.post("/v1/appointments", json=wish, headers=who | {"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ids(catcher: MailCatcher) -> Counter[str]:
    return Counter(str(mail["Message-ID"]) for mail in catcher.mails)


def missing(web: httpx.Client, who: dict[str, str], appointments: list[str]) -> int:
    return sum(web.get(f"/v1/appointments/{each}", headers=who).status_code == 404 for each in appointments)


def forgotten(web: httpx.Client, admin: dict[str, str], account: str) -> bool:
    return web.get(f"/v1/users/{account}", headers=admin).json().get("standing") == "forgotten"


@pytest.mark.fault(21)
@pytest.mark.parametrize("deployment", [GUNICORN], indirect=True)
def test_restored_to_a_minute(deployment: Deployment, catcher: MailCatcher, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    with deployment.client() as web:
        owner, customer, leaver = (signed_up(web, catcher, role) for role in ("provider", "customer", "customer"))
        owner.pop("email"), customer.pop("email")
        leaving = leaver.pop("email")
        account = web.get("/v1/me", headers=leaver).json()["id"]
        admin, salon = an_admin(deployment, web), open_salon(web, owner)
        load = Load(web, salon, customer)
        with ThreadPoolExecutor(4) as clients:
            asking = [clients.submit(load.go, salon.starts[n:400:4]) for n in range(4)]
            try:
                assert wait_until(lambda: load.has_asked(50), PATIENCE)
                backup(deployment, backups, "base")
                deployment.compose("stop", "worker")
                waiting = [book(web, salon, leaver, start) for start in salon.starts[500 : 500 + QUIET]]
                before = [*load.booked.values(), *waiting]
                time.sleep(2)
                moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}+00"
                time.sleep(2)
                asked = len(load.booked)
                deployment.compose("up", "--detach", "--wait", "worker")
            finally:
                load.enough.set()
            for each in asking:
                each.result()
        after = list(load.booked.values())[asked:]
        lost = book(web, salon, customer, salon.starts[600])
        assert wait_until(lambda: sum(leaving in str(mail["To"]) for mail in catcher.mails) > QUIET, PATIENCE)
        asked_for = web.post(
            f"/v1/users/{account}/forget", json={"at_once": True, "cancel_appointments": True}, headers=admin
        )
        assert asked_for.is_success, asked_for.text
        assert wait_until(lambda: forgotten(web, admin, account), PATIENCE)
        catcher.to(leaving, subject="Your data has been deleted")
        backup(deployment, backups, "wal")
    mailed = len(catcher.mails)

    deployment.compose("down")
    for volume in ("postgres", "forgotten", "broker"):
        deployment.run("docker", "volume", "rm", f"{deployment.project}_{volume}")
    restore = ["docker/restore", "-f", deployment.file, "-f", "test.yml", "--from", str(backups), "--yes", "--at"]
    with pytest.raises(AssertionError, match="Choose an earlier time"):
        deployment.run(*restore, "2099-01-01 00:00:00+00")
    began = time.monotonic()
    told = deployment.run(*restore, moment)
    sys.stderr.write(f"\n{told}\nrestored in {time.monotonic() - began:.0f} s; mails before: {mailed}\n")

    assert "OK: " in told  # of `daybook audit verify`
    assert "No difference" in deployment.compose("run", "--rm", "--no-deps", "-T", "migrate", "rebuild", "--check")
    with deployment.client() as web:
        assert missing(web, admin, before) == 0
        assert missing(web, admin, [*after, lost]) == len(after) + 1
        assert forgotten(web, admin, account)
        form = {"grant_type": "password", "username": leaving, "password": PASSWORD}
        assert web.post("/v1/auth/token", data=form).status_code >= 400
        newcomer = signed_up(web, catcher, "customer")  # a mail of after the restore: the workers are at work
        email = newcomer.pop("email")
        book(web, salon, newcomer, salon.starts[601])
        catcher.to(email, subject="Booked")
        assert set(ids(catcher).values()) == {1}
        backup(deployment, backups, "base")
    assert len(list((backups / "base").iterdir())) == 2
    assert not [each for each in backups.rglob("*.age") if not each.read_bytes().startswith(b"age-encryption.org/v1")]
