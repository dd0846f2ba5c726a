"""Python's garbage collector, tuned for a process whose objects are nearly all in use."""

import gc


def collect_rarely() -> None:
    """Collect cycles rarely: walking the cached aggregates took a quarter of the time.

    Reference counts free the objects of a request at once; only cycles wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)
