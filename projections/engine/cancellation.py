"""Cancellation of tasks that go on after the database's errors."""

import asyncio


def check_cancelled() -> None:
    """Raise CancelledError if the running task was cancelled.

    A task that is cancelled during a statement gets an error of the connection instead, if that breaks meanwhile.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
