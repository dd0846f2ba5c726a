"""Flower shows the newest tasks and workers, and forgets older ones: its memory does not grow with what happens."""

import subprocess
import sys

from interfaces.worker.celery_app import FLOWER_BOUNDS
from tests.support.instances import clean_environment

_EVENTS = """
import sys
from flower import options as _
from flower.events import EventsState
from tornado.options import options, parse_command_line

parse_command_line(["flower", *sys.argv[1:]])
state = EventsState(max_workers_in_memory=options.max_workers, max_tasks_in_memory=options.max_tasks)
for n in range(3_000):
    common = {"hostname": f"worker-{n}@host", "timestamp": n, "local_received": n, "clock": n, "utcoffset": 0, "pid": n}
    state.event({"type": "worker-online", "freq": 2, **common})
    state.event({"type": "task-received", "uuid": f"task-{n}", "name": "walk", "args": "", "kwargs": "", **common})
print(len(state.tasks), len(state.workers), options.purge_offline_workers)
"""


def test_of_thousands_of_tasks_and_workers_it_keeps_so_many() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _EVENTS, *FLOWER_BOUNDS],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["1000", "100", "300"]
