"""The preparation of a start, in a process of its own: migration, demo data, accounts.

It takes many modules and much memory, which end with the process. It loads them while the servers start.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from threading import Event
from typing import Any, Self

from interfaces.cli.failures import fail
from interfaces.cli.progress import Interrupted

Progress = Callable[[int, int], None]
GLANCE = 0.1  # seconds


class Preparation:
    """The process, for a `with` block. `stop`: set when the operator wants to stop; `stderr`: for its log lines."""

    def __init__(self, stop: Event, stderr: int | None = None) -> None:
        self._stop, self._stderr = stop, stderr

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli.startup.prepare"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C in the terminal reaches the parent only
        )
        self._lines = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        """End it; what it had begun is found unfinished by the next start, and continued there."""
        with self._process:
            self._process.kill()

    def begin(self, variables: Mapping[str, str]) -> None:
        """Hand the variables of the settings on. They hold secrets, so no command line and no file shows them."""
        self._write(variables)

    def do(self, step: str, progress: Progress, **details: Any) -> Any:
        """The result of a step. Raises Interrupted after `stop`; a step that fails ends the command with its reason."""
        self._write({"step": step, **details})
        for told in self._lines:
            if "failure" in told:
                fail(told["failure"], told["status"])
            if "result" in told:
                return told["result"]
            progress(told["done"], told["total"])
        return fail(f"The preparation ended with status {self._process.wait()}.")

    def _write(self, told: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        pipe, unread = self._process.stdout.fileno(), b""
        while not self._stop.is_set():
            if not select.select([pipe], [], [], GLANCE)[0]:
                continue
            if not (piece := os.read(pipe, 65_536)):
                return
            *lines, unread = (unread + piece).split(b"\n")
            yield from map(json.loads, lines)
        raise Interrupted
