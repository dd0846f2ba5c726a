"""Waiting for something to be so, with a deadline: never for time to pass."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

GLANCE = 0.02  # seconds


async def eventually(condition: Callable[[], Awaitable[object]], within: float = 60.0) -> float:
    """The seconds until the condition holds; fails when it does not within so many."""
    began = monotonic()
    while not await condition():
        assert monotonic() < began + within, f"not so within {within} s"
        await asyncio.sleep(GLANCE)
    return monotonic() - began
