"""A progress bar on standard error; none where that is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, *, visible: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A bar for the block. Call what it gives with the steps done and the total.

    `visible`: from the start, else from the first step.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None, visible=visible)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)
