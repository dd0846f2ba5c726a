"""Tasks that run together end together, also one that does not hear at once that it is cancelled."""

import asyncio

import pytest

from projections.engine.cancellation import run_together


async def deaf() -> None:
    """Goes on after it was cancelled for the first time."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def failing() -> None:
    await asyncio.sleep(0)
    raise ValueError


async def at_once() -> None:
    """Has nothing to do; the others go on."""


async def test_an_error_ends_the_others() -> None:
    with pytest.raises(BaseExceptionGroup) as failed:
        await run_together(deaf(), failing(), at_once())
    assert [type(each) for each in failed.value.exceptions] == [ValueError]


async def test_cancelled_from_outside_all_end() -> None:
    running = asyncio.create_task(run_together(deaf(), at_once()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
