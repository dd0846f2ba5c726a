"""Python's search for garbage, held back: most of what a process keeps is in use."""

import gc


def collect_rarely() -> None:
    """Look for cycles seldom: through the many aggregates that are kept, it took a quarter of the time.

    What requests leave behind is freed by reference counts; cycles wait for a rarer round.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)
