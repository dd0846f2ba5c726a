"""A progress bar on standard error; none where that is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event


class Interrupted(Exception):
    """The operator has stopped the work that a bar shows."""


@contextmanager
def progress(label: str, *, visible: bool = True, stop: Event | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar for the block. Call what it gives with the steps done and the total: it raises Interrupted after `stop`.

    `visible`: from the start, else from the first step.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None, visible=visible)

        def step(done: int, total: int) -> None:
            if stop is not None and stop.is_set():
                raise Interrupted
            bar.update(task, completed=done, total=total, visible=True)

        yield step
