"""Keeps processes running, servers and roles alike: each that ends is started again, and one line says so."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol, Self

import structlog

from infrastructure.local.programs import NoServer

CHECK = 0.1  # seconds between two looks at a process
STEADY = 10.0  # a process that ran for as many seconds is restarted without delay
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)  # seconds before each further attempt in a row
SAID_AFTER = 2.0  # seconds after which a stop names what it waits for
logger = structlog.get_logger(__name__)


class Supervised(Protocol):
    """A process to keep running. The methods that stop it may be called from another thread than `start`."""

    name: str

    def start(self) -> None:
        """Start it. Raises NoServer or OSError with the reason."""

    def ended(self) -> int | None:
        """The exit status of a process that ended by itself; None while it runs."""

    def ask_to_stop(self) -> None:
        """Send the signal to stop, and return at once."""

    def stop(self) -> None:
        """Return when it has ended. Also ends an attempt to start. Safe to repeat."""


class Supervisor:
    """Restarts each process that ends, from the beginning of a block to its end, where all of them stop.

    `after_end`: called after each end, before the restart.
    """

    def __init__(self, after_end: Callable[[], object] = lambda: None) -> None:
        self._after_end = after_end
        self._processes: list[Supervised] = []
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def start(self, processes: Iterable[Supervised]) -> None:
        """Start processes, in this order, and keep them running."""
        for each in processes:
            each.start()
            self.watch(each)

    def watch(self, process: Supervised) -> None:
        """Keep a process running that has been started."""
        name = f"supervisor of {process.name}"
        self._processes.append(process)
        self._threads.append(threading.Thread(target=self._keep, args=(process,), name=name, daemon=True))
        self._threads[-1].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all at once: that takes as long as the slowest does."""
        self._stopping.set()
        for each in self._processes:
            each.ask_to_stop()
        waiting = threading.Timer(SAID_AFTER, self._say_what_it_waits_for)
        waiting.start()
        for each in self._processes:
            each.stop()
        for thread in self._threads:
            thread.join()
        for each in self._processes:
            each.stop()  # its thread may have started it meanwhile
        waiting.cancel()

    def _say_what_it_waits_for(self) -> None:
        running = [each.name for each in self._processes if each.ended() is None]
        if running:
            logger.info("waiting for child processes to finish", children=running)

    def _keep(self, process: Supervised) -> None:
        early, started = 0, time.monotonic()
        while not self._stopping.wait(CHECK):
            if (status := process.ended()) is None:
                continue
            uptime = time.monotonic() - started
            early = early + 1 if uptime < STEADY else 0
            _say_that_it_ended(process.name, status, uptime, early)
            self._clean_up()
            self._stopping.wait(_pause(early))
            self._start(process)
            started = time.monotonic()

    def _clean_up(self) -> None:
        try:
            self._after_end()
        except Exception as error:  # noqa: BLE001  the process is restarted all the same
            logger.warning("clean-up after a child process failed", error=type(error).__name__)

    def _start(self, process: Supervised) -> None:
        """Try until it starts. One line for each reason why it does not, and one when it does after all."""
        began, reasons, attempts = time.monotonic(), set[str](), 0
        while not self._stopping.is_set() and (reason := _refusal(process)):
            attempts += 1
            if reason not in reasons and not self._stopping.is_set():
                reasons.add(reason)
                logger.error("child process cannot start, retrying", child=process.name, reason=reason)
            self._stopping.wait(_pause(attempts))
        if reasons and not self._stopping.is_set():
            after = round(time.monotonic() - began, 1)
            logger.info("child process runs again", child=process.name, after_s=after)


def _refusal(process: Supervised) -> str | None:
    """Start a process. The reason in a line if it does not start."""
    try:
        process.start()
    except (NoServer, OSError) as refused:
        return str(refused).partition("\n")[0]
    return None


def _say_that_it_ended(name: str, status: int, uptime: float, early: int) -> None:
    """A line for each end; one for all of a process that ends again and again."""
    ended = {"signal": signal.Signals(-status).name} if status < 0 else {"status": status}
    if early < 2:
        logger.warning("child process ended, restarting", child=name, **ended, uptime_s=round(uptime, 1))
    elif early == 2:
        logger.error("child process keeps ending, retrying every few seconds", child=name, **ended)


def _pause(attempts: int) -> float:
    return PAUSES[min(attempts, len(PAUSES) - 1)]
