"""Child processes: started in order, started again when they die, stopped in the reverse order."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

PATIENCE = 15.0  # seconds a child has to finish its work
STEADY = 10.0  # a child that ran for as many seconds is restarted without delay
logger = structlog.get_logger(__name__)


@dataclass
class Child:
    """A role of Daybook in a process of its own, which ends when its standard input closes: with its parent."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    files: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C in the terminal reaches the parent only."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli", *self.arguments, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            env=dict(self.environment),
            pass_fds=self.files,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL to a child that still runs after PATIENCE."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            logger.warning("child ignored SIGTERM, killed", child=self.name, waited_s=PATIENCE)
            self.process.kill()
            self.process.wait()


class Children:
    """Keeps children running from `start` to `stop`."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._restart_dead, name="children", daemon=True)

    def __enter__(self) -> Children:
        for child in self._children:
            child.start()
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._watch.join()
        for child in reversed(self._children):
            child.stop()

    def _restart_dead(self) -> None:
        while not self._stopping.wait(0.2):
            for child in self._children:
                if child.process is None or child.process.poll() is None:
                    continue
                uptime = time.monotonic() - child.started
                ended = _ended(child.process.returncode)
                logger.warning("child process ended, restarting", child=child.name, **ended, uptime_s=round(uptime, 1))
                if uptime < STEADY:
                    self._stopping.wait(1.0)
                if not self._stopping.is_set():
                    child.start()


def _ended(status: int) -> dict[str, str | int]:
    return {"signal": signal.Signals(-status).name} if status < 0 else {"status": status}
