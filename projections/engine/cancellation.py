"""Cancellation of tasks that go on after the database's errors."""

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN = 1.0  # seconds after which a task that goes on is cancelled again


def check_cancelled() -> None:
    """Raise CancelledError if the running task was cancelled.

    A task that is cancelled during a statement gets an error of the connection instead, if that breaks meanwhile.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def run_together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one fails, then end the others; raises its error in a group.

    A library may lose a cancellation, as when a process wakes and its time limits have all passed: such a task is
    cancelled again until it ends.
    """
    tasks = [asyncio.create_task(work) for work in works]
    ended: set[asyncio.Task[None]] = set()
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        left = {task for task in tasks if not task.done()}
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=AGAIN)
    failed = {task: task.exception() for task in tasks if not task.cancelled()}
    if errors := [error for task, error in failed.items() if error is not None and task in ended]:
        raise BaseExceptionGroup("a task has failed", errors)
