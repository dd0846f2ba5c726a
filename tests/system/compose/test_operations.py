"""docs/operations.md is followed word for word in a fresh clone: start, first admin, check, update, scale, stop."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from infrastructure.local.programs import free_port
from infrastructure.settings import inherited
from tests.system.compose.deployment import NGINX, PATIENCE, ROOT, left_of
from tests.system.compose.salon import PASSWORD

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
HOST = "booking.example.org"


def commands(section: str) -> list[str]:
    """The lines of the first block of commands under a heading."""
    found = re.search(rf"^## {section}\n.*?^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, section
    return found[1].splitlines()


def in_text(section: str) -> list[str]:
    """The commands within the sentences of a section."""
    found = re.search(rf"^## {section}\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, section
    return [each for each in re.findall(r"`([^`]+)`", found[1]) if each.startswith(("docker compose", "down"))]


class Operator:
    """Somebody who types commands into a shell of this machine, where `HOST` leads to it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self._environment = folder, dict(environment)

    def type(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout}\n{done.stderr}\n{self.logs()}"
        return done.stdout

    def logs(self) -> str:
        """The last words of all containers."""
        show = ["docker", "compose", "-f", NGINX, "logs", "--tail", "8"]
        return subprocess.run(
            show, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        ).stdout

    def answer(self, line: str, *answers: str) -> str:
        """The screen of a command that asks questions: each answer is typed once the screen ends with ": ".

        Not after the colon: the space comes when a password is not shown any more, and drops what was typed before.
        """
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            ["bash", "-c", line], cwd=self.folder, env=self._environment, stdin=theirs, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            screen, left, end = "", [*answers], time.monotonic() + PATIENCE
            while time.monotonic() < end:
                try:
                    screen += os.read(ours, 4096).decode()
                except OSError:  # the command has ended
                    break
                if left and screen.endswith(": "):
                    os.write(ours, f"{left.pop(0)}\n".encode())
            assert process.wait(PATIENCE) == 0, screen
        os.close(ours)
        return screen


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """With another pair of ports, since those of the page may be in use. Nothing is left at the end."""
    project, door = f"daybook-page-{uuid4().hex[:8]}", free_port()
    (tmp_path / ".curlrc").write_text(f'connect-to = "{HOST}:443:127.0.0.1:{door}"\nfail\n', encoding="utf-8")
    environment = inherited() | {
        "COMPOSE_PROJECT_NAME": project,
        "DAYBOOK_IMAGE": project,
        "HTTP_PUBLISHED": "127.0.0.1:0",
        "HTTPS_PUBLISHED": f"127.0.0.1:{door}",
        "FLOWER_PUBLISHED": "127.0.0.1:0",
        "CURL_HOME": str(tmp_path),
    }
    operator = Operator(tmp_path, environment)
    try:
        yield operator
    finally:
        down = ["docker", "compose", "-p", project, "down", "--volumes", "--timeout", "20"]
        subprocess.run(down, env=environment, capture_output=True, check=False)
        subprocess.run(["docker", "image", "rm", "--force", project], capture_output=True, check=False)
        assert left_of(project) == ""


def test_the_page_is_followed(operator: Operator) -> None:
    clone, prepare, up, admin, curl = commands("Start")
    operator.type(clone.replace("<repository>", str(ROOT)).partition(" && ")[0])
    operator.folder = operator.folder / "daybook"
    assert f"docker compose -f {NGINX}" in operator.type(prepare)
    operator.type(up)
    assert "is an admin" in operator.answer(admin, f"{PASSWORD} and more", f"{PASSWORD} and more")
    assert '"status":"ready"' in operator.type(curl)
    assert "ok    settings     MODE PROD" in operator.type(commands("Check")[0])
    for line in commands("Update"):
        operator.type(line)
    assert '"status":"ready"' in operator.type(curl)
    (more,) = in_text("More containers")
    operator.type(more)
    assert len(operator.type(f"docker compose -f {NGINX} ps --quiet api").split()) == 4
    stop, _ = in_text("Stop")
    operator.type(stop)
    assert operator.type(f"docker compose -f {NGINX} ps --all --quiet") == ""
    operator.type(f"{stop} --volumes")
