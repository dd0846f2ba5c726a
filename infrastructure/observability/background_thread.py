"""A thread that works beside a process for a `with` block."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self


class BackgroundThread(ABC):
    """Subclasses work in `_run` until `_ending` is set, and wait with `_ending.wait`."""

    def __init__(self, name: str) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(1.0)

    @abstractmethod
    def _run(self) -> None:
        """The work of the thread."""
