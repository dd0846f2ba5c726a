"""The terminal of child processes: their lines go through this process, so that none tears a progress bar."""

from __future__ import annotations

import os
import sys
import threading
import tty
from typing import Self


class ChildTerminal:
    """A pseudo-terminal whose lines go to standard error, for a `with` block. Without a terminal there is none.

    `fd`: the standard error for children, who still write for people; None where that is no terminal.
    """

    def __init__(self) -> None:
        self.fd: int | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            reader, self.fd = os.openpty()
            tty.setraw(self.fd)  # lines arrive as they were written
            threading.Thread(target=_relay, args=(reader,), name="terminal of children", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.fd is not None:
            os.close(self.fd)


def _relay(reader: int) -> None:
    with open(reader, encoding="utf-8", errors="replace") as lines:
        try:
            for line in lines:
                sys.stderr.write(line)  # as it is at this moment: a progress bar replaces it by its own
        except OSError:  # all children have ended
            return
