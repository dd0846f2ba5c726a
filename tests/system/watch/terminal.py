"""An operator's terminal on the machine of a deployment, in which the commands of the runbook are typed."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
from dataclasses import dataclass

from tests.system.compose.deployment import NGINX, Deployment
from tests.system.watch.runbook import HEAD

SET_ONCE = [line.strip() for line in HEAD.splitlines() if line.startswith(("    export ", "    daybook() "))]


@dataclass(frozen=True)
class Terminal:
    up: Deployment

    def type(self, command: str) -> tuple[int, str]:
        """Exit status, and what the screen shows. What the runbook says to set once is set."""
        once = "\n".join(SET_ONCE).replace(f"COMPOSE_FILE={NGINX}", f"COMPOSE_FILE={self.up.file}:test.yml")
        screen, keyboard = pty.openpty()
        termios.tcsetwinsize(keyboard, (500, 200))  # lines and columns: no program waits for the next page
        shell = subprocess.Popen(
            ["bash", "-c", f"{once}\n{command}"],
            cwd=self.up.folder,
            env=self.up.environment | {"TERM": "dumb"},
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
        )
        os.close(keyboard)
        shown = _all_of(screen)
        os.close(screen)
        return shell.wait(), shown


def _all_of(screen: int) -> str:
    """What is written until the last writer has gone, which Linux reports as an error of input."""
    parts = []
    try:
        while part := os.read(screen, 65_536):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts).decode(errors="replace")
