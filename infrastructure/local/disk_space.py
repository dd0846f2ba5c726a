"""Watches the disk of the data folder: says when it is full, and keeps the logs of the servers small."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import structlog

from infrastructure.local.programs import bound_log

CHECK = 1.0  # seconds
FULL = 48 * 2**20  # bytes: PostgreSQL makes files of 16 MB for its journal
MB = 10**6
logger = structlog.get_logger(__name__)


def free_bytes(folder: Path) -> int:
    """The space left on the disk of a folder."""
    return shutil.disk_usage(folder).free


def is_full(folder: Path) -> bool:
    """Whether too little space is left for PostgreSQL to go on."""
    return free_bytes(folder) < FULL


class DiskWatch:
    """Looks at the disk of a folder for a `with` block. One line when it is full, one when space is free again.

    `logs`: files that running servers write to.
    """

    def __init__(self, folder: Path, logs: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._logs = logs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disk", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        full = False
        while not self._stopping.wait(CHECK):
            with contextlib.suppress(OSError):
                for log in self._logs:
                    bound_log(log)
            if is_full(self._folder) == full:
                continue
            full = not full
            facts = {"folder": str(self._folder), "free_mb": free_bytes(self._folder) // MB}
            if full:
                logger.error("disk is full: changes are refused until space is free", **facts)
            else:
                logger.info("disk has space again", **facts)
