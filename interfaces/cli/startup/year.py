"""The year of demo history, written once everything is ready: nobody waits for it."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from typing import Self

import structlog
import typer

from infrastructure.settings import Settings, variables_of
from interfaces.cli.progress import Interrupted
from interfaces.cli.startup.preparation import Preparation

logger = structlog.get_logger(__name__)


class BackgroundYear:
    """Writes it in a process of low priority, for a `with` block, which kills it at its end: the next start goes on.

    `stderr`: for the lines of its log.
    """

    def __init__(self, settings: Settings, stderr: int | None = None) -> None:
        self._settings, self._stderr = settings, stderr
        self._ended = Event()
        self._thread = Thread(target=self._write, name="year of demo history", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _write(self) -> None:
        with Preparation(self._ended, self._stderr) as preparation, suppress(Interrupted, typer.Exit):
            preparation.begin(variables_of(self._settings))
            preparation.do("year", lambda *_: None)
            logger.info("the year of demo history is written")
