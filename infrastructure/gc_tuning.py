"""Python's garbage collector, tuned for a process whose objects are nearly all in use."""

import gc


def start_fast() -> None:
    """Collect cycles rarely while modules are imported: walking what they make took a sixth of the time."""
    gc.set_threshold(20_000, 50, 1_000)


def collect_rarely() -> None:
    """Collect cycles rarely: walking the cached aggregates took a quarter of the time.

    Reference counts free the objects of a request at once; only cycles wait.
    """
    gc.collect()
    gc.freeze()
    start_fast()
