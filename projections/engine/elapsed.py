"""Elapsed seconds that go on while the machine is suspended, for everything that is trusted for a limited time."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux: the monotonic clock stands still meanwhile


def elapsed() -> float:
    """Seconds since some instant; never goes back."""
    return time.clock_gettime(_CLOCK)
