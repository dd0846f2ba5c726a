"""A deployment of its own for each test: a clean copy of the repository, prepared, and started by `docker compose`."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from infrastructure.local.programs import free_port
from infrastructure.settings import inherited

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)
PATIENCE = 300.0  # seconds
NGINX, GUNICORN = "docker-compose-nginx.yml", "docker-compose-gunicorn.yml"


@dataclass
class MailCatcher:
    """A mail server of the test, which the containers reach by the name `mail.test`."""

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[MailCatcher]:
        controller = Controller(self, hostname="0.0.0.0", port=self.port)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def has(self, address: str) -> bool:
        return any(address in str(mail["To"]) for mail in self.mails)

    def to(self, address: str, *, subject: str = "") -> EmailMessage:
        """The newest mail to an address whose subject begins so, once there is one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [mail for mail in self.mails if address in str(mail["To"]) and mail["Subject"].startswith(subject)]
            if found:
                return found[-1]
            time.sleep(0.2)
        raise AssertionError(f"no mail to {address} on {subject!r}: {[str(mail['Subject']) for mail in self.mails]}")


@pytest.fixture(scope="session")
def catcher() -> Iterator[MailCatcher]:
    """For the conftest of each folder that deploys."""
    with MailCatcher().listening() as listening:
        yield listening


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def code_of(mail: EmailMessage) -> str:
    found = CODE.search(text_of(mail).replace("\r", ""))
    assert found is not None, text_of(mail)
    return found[0]


@dataclass(frozen=True)
class Deployment:
    """`file`: the compose file. `url`: its door."""

    folder: Path
    file: str
    project: str
    url: str
    environment: dict[str, str]

    def compose(self, *arguments: str, check: bool = True) -> str:
        """The output of a command of `docker compose`."""
        return self.run("docker", "compose", "-f", self.file, "-f", "test.yml", *arguments, check=check)

    def sql(self, statement: str, login: str = "postgres") -> str:
        """The output of a statement of the superuser, or of another login."""
        psql = ("psql", "--quiet", "--no-align", "--tuples-only", "--username", login, "daybook")
        return self.compose("exec", "-T", "postgres", *psql, "--command", statement).strip()

    def run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def containers(self, service: str) -> Sequence[str]:
        return self.compose("ps", "--quiet", service).split()

    def client(self) -> httpx.Client:
        certificate = self.folder / "docker/secrets/tls_certificate"
        verify = ssl.create_default_context(cafile=str(certificate)) if self.url.startswith("https") else True
        return httpx.Client(base_url=self.url, verify=verify, timeout=60)


@contextmanager
def deployed(
    file: str, folder: Path, catcher: MailCatcher, more: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Deployment]:
    """Copied, prepared, built and up; down again at the end, with nothing left. `more`: settings of services."""
    copied(folder)
    project, door = f"daybook-test-{uuid4().hex[:8]}", free_port()
    subnet = f"10.{200 + door % 50}.{door % 250}.0/24"
    nginx = file == NGINX
    environment = inherited() | {
        "COMPOSE_PROJECT_NAME": project,
        "DAYBOOK_IMAGE": project,  # so that other copies of the repository build their own
        "API_PUBLISHED": f"127.0.0.1:{door}",
        "PANEL_PUBLISHED": "127.0.0.1:0",
        "HTTP_PUBLISHED": "127.0.0.1:0",
        "HTTPS_PUBLISHED": f"127.0.0.1:{door}",
        "FLOWER_PUBLISHED": "127.0.0.1:0",
        "DOOR_SUBNET": subnet,
        "RATE_PER_SECOND": "10000",
        "RATE_BURST": "10000",
    }
    deployment = Deployment(folder, file, project, f"{'https' if nginx else 'http'}://localhost:{door}", environment)
    smtp = f"smtp://mail.test:{catcher.port}"
    deployment.run("docker/prepare", "--host", "localhost", "--smtp", smtp)
    settings = folder / ".env.docker"
    text = re.sub(r"TRUSTED_PROXIES=.*", f"TRUSTED_PROXIES={subnet}", settings.read_text(encoding="utf-8"))
    settings.write_text(text, encoding="utf-8")
    services: dict[str, Any] = {name: {"extra_hosts": ["mail.test:host-gateway"]} for name in ("api", "worker")} | dict(
        more or {}
    )
    (folder / "test.yml").write_text(json.dumps({"services": services}), encoding="utf-8")
    try:
        deployment.compose("up", "--detach", "--wait", "--build")
        yield deployment
    finally:
        deployment.compose("down", "--volumes", "--timeout", "20", check=False)
        deployment.run("docker", "image", "rm", "--force", project, check=False)


def left_of(project: str) -> str:
    """Containers, volumes and networks of a project."""
    label = f"label=com.docker.compose.project={project}"
    commands = (["ps", "--all", "--quiet"], ["volume", "ls", "--quiet"], ["network", "ls", "--quiet"])
    found = [
        subprocess.run(["docker", *each, "--filter", label], capture_output=True, text=True, check=True).stdout
        for each in commands
    ]
    return "".join(found).strip()


def copied(folder: Path) -> None:
    """The files of the repository that a deployment needs."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "bench/")):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
