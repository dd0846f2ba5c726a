"""The key drill of signatures: the secret of a webhook and the key of checkpoints change under load."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import GUNICORN, PATIENCE, Deployment, MailCatcher, deployed
from tests.system.compose.hook import NAME, Hook
from tests.system.compose.salon import open_salon, signed_up
from tests.system.compose.test_replacement import Load

ENOUGH = 60  # messages before, and after


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Hook]:
    with Hook(tmp_path / "hook.pem").listening() as listening:
        listening.certificate.chmod(0o644)
        yield listening


@pytest.fixture
def hooked(hook: Hook, tmp_path: Path, catcher: MailCatcher) -> Iterator[Deployment]:
    """A deployment whose processes may send to `hook`, and trust its certificate."""
    trusted = {
        "extra_hosts": ["mail.test:host-gateway", f"{NAME}:host-gateway"],
        "environment": {
            "WEBHOOK_ALLOW_PRIVATE": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
            "SSL_CERT_FILE": "/hook.pem",
        },
        "volumes": [f"{hook.certificate}:/hook.pem:ro"],
    }
    more = {"api": trusted, "worker-webhooks": trusted}
    with deployed(GUNICORN, tmp_path / "deployment", catcher, more) as up:
        yield up


def test_signing_keys_change_under_load(hooked: Deployment, hook: Hook, catcher: MailCatcher) -> None:
    with hooked.client() as web:
        owner, customer = signed_up(web, catcher, "provider"), signed_up(web, catcher, "customer")
        owner.pop("email")
        customer.pop("email")
        salon = open_salon(web, owner)
        wish = {"url": hook.url, "types": ["appointment.booked"], "provider_id": salon.provider}
        made = web.post("/v1/webhooks", json=wish, headers=owner)
        assert made.status_code == 201, made.text
        old, first = made.json()["secret"], checkpoint(hooked, "old")
        load = Load(web, salon, customer)
        with ThreadPoolExecutor(4) as clients:
            asking = [clients.submit(load.go, salon.starts[n:400:4]) for n in range(4)]
            try:
                assert wait_until(lambda: len(hook.messages) >= ENOUGH, PATIENCE), load.answers
                rotated = web.post(f"/v1/webhooks/{made.json()['id']}/rotate", json={}, headers=owner)
                assert rotated.is_success, rotated.text
                new, sent = rotated.json()["secret"], len(hook.messages)
                second = checkpoint(hooked, "new")
                assert wait_until(lambda: len(hook.messages) >= sent + ENOUGH, PATIENCE), load.answers
            finally:
                load.enough.set()
            for each in asking:
                each.result()
        assert wait_until(lambda: len({each.id for each in hook.messages}) >= len(load.booked), PATIENCE)
    sys.stderr.write(f"\n{len(hook.messages)} messages, {sent} before the change, {dict(load.answers)}\n")
    assert {about(each.body): 1 for each in hook.messages} == dict.fromkeys(load.booked.values(), 1)
    assert all(each.is_signed_with(old) for each in hook.messages)
    signed = Counter(each.is_signed_with(new) for each in hook.messages[sent + 1 :])  # one may have been under way
    assert set(signed) == {True}
    assert not any(each.is_signed_with(new) for each in hook.messages[: ENOUGH // 2])
    for file, key in (first, second):
        assert "OK: the checkpoint" in audit(hooked, "verify", "--checkpoint", f"/keys/{file}", "--key", key)
    with pytest.raises(AssertionError, match="signed with another key"):
        audit(hooked, "verify", "--checkpoint", f"/keys/{first[0]}", "--key", second[1])


def about(body: bytes) -> str:
    """The id of the appointment that a message is about."""
    return str(json.loads(body)["data"]["id"])


def checkpoint(deployment: Deployment, name: str) -> tuple[str, str]:
    """Signed with a key of that name, which is made: the file of the checkpoint, and the public key."""
    keys = deployment.folder / "keys"
    keys.mkdir(exist_ok=True)
    keys.chmod(0o777)  # the container's user is another
    made = audit(deployment, "checkpoint", "--key-file", f"/keys/{name}.pem")
    (keys / f"{name}.json").write_text(made, encoding="utf-8")
    return f"{name}.json", str(json.loads(made)["key"])


def audit(deployment: Deployment, *command: str) -> str:
    mount = ("--volume", f"{deployment.folder / 'keys'}:/keys")
    return deployment.compose("run", "--rm", "--no-deps", "-T", *mount, "migrate", "audit", *command)
