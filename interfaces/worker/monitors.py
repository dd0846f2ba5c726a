"""Check-ins: beat and the tasks that it triggers say that they run, so that their silence is noticed."""

from typing import Any, Protocol

from celery import signals
from celery.utils.dispatch import Signal

ticked = Signal(name="ticked")
"""Sent by beat each second, also while it sends no message because enough of them wait."""


class CheckIn(Protocol):
    """Takes the name of what ran, and whether it ended well. Ignores names that nobody watches."""

    def __call__(self, name: str, *, ok: bool = True) -> None: ...


def watch_beat(check_in: CheckIn) -> None:
    """Check in as "beat" at each tick."""

    def note(**_: Any) -> None:
        check_in("beat")

    ticked.connect(note, weak=False)


def watch_tasks(check_in: CheckIn) -> None:
    """Check in at the end of each task, by its name."""

    def succeeded(sender: Any, **_: Any) -> None:
        check_in(sender.name)

    def failed(sender: Any, **_: Any) -> None:
        check_in(sender.name, ok=False)

    signals.task_success.connect(succeeded, weak=False)
    signals.task_failure.connect(failed, weak=False)
