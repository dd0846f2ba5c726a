"""Half of a machine's load, as the bookings a second that make it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from time import perf_counter

from bench.tools import processes
from bench.tools.paced import paced
from bench.tools.place import Database, caught_up
from infrastructure.local.programs import wait_until

_LIGHT = 100  # bookings a second, at which the load of the machine is measured
_CATCH_UP_WITHIN = 7_200  # seconds


def half_load(database: Database, port: int, bookings: Sequence[bytes], connections: int) -> float:
    """The bookings a second that keep half of the machine's processors busy, client and projections included."""
    assert wait_until(partial(caught_up, database), _CATCH_UP_WITHIN)
    before, began = processes.busy(), perf_counter()
    paced(port, bookings, per_second=_LIGHT, connections=connections, expected=(201,))
    assert wait_until(partial(caught_up, database), _CATCH_UP_WITHIN)
    busy = (processes.busy() - before) / (perf_counter() - began) / (os.cpu_count() or 1)
    return 0.5 * _LIGHT / busy
