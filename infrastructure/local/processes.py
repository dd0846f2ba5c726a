"""Child processes: started in order, started again when they die, stopped in the reverse order."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

PATIENCE = 15.0  # seconds a child has to finish what is in flight
STEADY = 10.0  # seconds after which a child that dies is started again at once
logger = structlog.get_logger(__name__)


@dataclass
class Child:
    """A role of Daybook in a process of its own. It ends with its parent: its standard input closes then."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    files: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start it, in a session of its own, so that a Ctrl-C in the terminal reaches only the parent."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli", *self.arguments, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            env=dict(self.environment),
            pass_fds=self.files,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Ask it to finish, then make it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            logger.warning("had to be killed", role=self.name)
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
                logger.warning("died, is started again", role=child.name, status=child.process.returncode)
                if time.monotonic() - child.started < STEADY:
                    self._stopping.wait(1.0)
                if not self._stopping.is_set():
                    child.start()
