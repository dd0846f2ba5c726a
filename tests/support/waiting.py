"""How long tests wait: for a condition, never for a time, and longer than a machine with other things to do needs.

A test that hangs must end; a test that is slow must pass. No limit here or built from here proves speed: the
benchmarks do.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

GLANCE = 0.02  # seconds
PATIENCE = 120.0  # seconds for what an idle machine does within twenty
BUSY = 6.0  # how many times as long as on an idle machine something may take


async def eventually(condition: Callable[[], Awaitable[object]], within: float = PATIENCE) -> float:
    """The seconds until the condition holds; fails when it does not within so many."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() < began + within, f"not so within {within} s: {condition}"
        await asyncio.sleep(GLANCE)
    return time.monotonic() - began


def assert_took(began: float, idle: float) -> None:
    """No more than BUSY times the `idle` seconds have passed since `began`, by `time.monotonic()`."""
    took = time.monotonic() - began
    assert took < BUSY * idle, f"took {took:.2f} s, where an idle machine needs less than {idle} s"
