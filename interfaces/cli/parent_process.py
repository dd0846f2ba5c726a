"""A role that `daybook up` started ends with it."""

import os
import signal
import threading


def end_with_parent() -> None:
    """Send this process SIGTERM when its standard input, a pipe from the parent, closes: the parent is gone then."""
    threading.Thread(target=_wait_for_end, name="parent", daemon=True).start()


def _wait_for_end() -> None:
    # Not through sys.stdin: a thread that waits in its buffer makes the interpreter abort at its end.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
