"""The commands of docs/monitoring.md start a local Sentry, in their order and word for word."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from infrastructure.settings import inherited
from tests.support.instances import within
from tests.system.compose.deployment import PATIENCE, left_of

ROOT = Path(__file__).parents[3]
PAGE = "http://localhost:9000"
FILES = ("docker-compose-sentry.yml", ".env.docker.sentry.example", ".env.example", ".env.prod.example")
ODD_KEY = "=k(9)&^*%abc=!@-_+0123456789(&)^*%zyxwvutsrqponmlkj"
PASSWORD = "a-long-enough-passphrase"


@dataclass
class Shell:
    """A folder in which somebody types the commands. `variables`: what was exported so far."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def type(self, line: str) -> str:
        """The output of a command. Where docker-compose is a part of docker, the two words are typed instead."""
        words = shlex.split(line)
        if words[0] == "docker-compose" and not shutil.which("docker-compose"):
            words[:1] = ["docker", "compose"]
        done = subprocess.run(
            words, cwd=self.folder, env=inherited() | self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def write_key(self, key: str) -> None:
        file = self.folder / ".env.docker.sentry"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("SENTRY_SECRET_KEY=\n", f"SENTRY_SECRET_KEY={key}\n"), encoding="utf-8")
        assert f"SENTRY_SECRET_KEY={key}\n" in file.read_text(encoding="utf-8")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A copy of what the deployment needs, prepared. What it started is gone at the end."""
    for name in FILES:
        shutil.copy2(ROOT / name, tmp_path / name)
    shutil.copy2(ROOT / ".env.docker.example", tmp_path / ".env.docker.example")
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("secrets"))
    project = f"daybook-sentry-{uuid4().hex[:8]}"
    shell = Shell(tmp_path, {"COMPOSE_PROJECT_NAME": project})
    try:
        yield shell
    finally:
        shell.type("docker compose -f docker-compose-sentry.yml down --volumes --timeout 20")
        assert left_of(project) == ""


def test_the_commands_of_the_page_start_it(shell: Shell) -> None:
    shell.type("docker/prepare --host localhost")
    key = shell.type("docker-compose -f docker-compose-sentry.yml run --rm sentry-base config generate-secret-key")
    assert re.fullmatch(r"[a-z0-9!@%^&*(\-_=+)]{50}\n", key), key
    shell.write_key(ODD_KEY)
    shell.variables["COMPOSE_FILE"] = "docker-compose-sentry.yml"
    seen = shell.type("docker-compose run --rm sentry-base printenv SENTRY_SECRET_KEY")
    assert seen == f"{ODD_KEY}\n"
    shell.type("docker-compose run --rm sentry-base upgrade")
    user = "createuser --noinput --email ada@example.org"
    shell.type(f"docker-compose run --rm --env DJANGO_SUPERUSER_PASSWORD={PASSWORD} sentry-base {user}")
    shell.type("docker-compose up -d")
    within(PATIENCE, is_up)
    services = set(shell.type("docker-compose ps --services --status running").split())
    assert services == {"sentry-base", "sentry-postgres", "sentry-redis"}


def is_up() -> bool:
    """Whether a browser gets a page."""
    try:
        return httpx.get(PAGE, follow_redirects=True, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False
