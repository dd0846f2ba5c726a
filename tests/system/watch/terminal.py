"""An operator's terminal on the machine of a deployment, in which the commands of the runbook are typed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from dataclasses import dataclass

from tests.system.compose.deployment import NGINX, PATIENCE, Deployment
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
        shell.kill()  # it has ended, but for a command that goes on forever
        return abs(shell.wait()), shown


def _all_of(screen: int) -> str:
    """What is written until the last writer has gone, which Linux reports as an error of input.

    A command that has not ended after PATIENCE is no command to type at 3 a.m.: its status is that it was killed.
    """
    parts, until = [], time.monotonic() + PATIENCE
    while (rest := until - time.monotonic()) > 0:
        if not select.select([screen], [], [], rest)[0]:
            break
        try:
            part = os.read(screen, 65_536)
        except OSError:
            break
        parts.append(part)
    return b"".join(parts).decode(errors="replace")
