"""Child processes: the roles of Daybook that `daybook up` runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

PATIENCE = 15.0  # seconds a child has to finish its work
logger = structlog.get_logger(__name__)


@dataclass
class Child:
    """A role of Daybook in a process of its own, which ends when its standard input closes: with its parent."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    files: Sequence[int] = ()
    stderr: int | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _asked: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C in the terminal reaches the parent only."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli", *self.arguments, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stderr=self.stderr,
            env=dict(self.environment),
            pass_fds=self.files,
            start_new_session=True,
        )

    def ended(self) -> int | None:
        """The exit status of a process that ended; None while it runs."""
        return self.process.poll() if self.process else None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.process is not self._asked:
            self._asked = self.process
            self.process.terminate()

    def stop(self) -> None:
        """Send SIGTERM, once, and SIGKILL to a child that still runs after PATIENCE."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            logger.warning("child ignored SIGTERM, killed", child=self.name, waited_s=PATIENCE)
            self.process.kill()
            self.process.wait()
