"""Log position: the place of an event in the event log, as clients see it. The text leaves room for several logs."""

import re

_LOG = 0  # the only log of an installation today
_TEXT = re.compile(rf"(?:{_LOG}\.)?([0-9]{{1,19}})", re.ASCII)
_LARGEST = 2**63 - 1


def position_text(position: int) -> str:
    """4711 -> "0.4711"."""
    return f"{_LOG}.{position}"


def position_of(text: str) -> int | None:
    """The position in "0.4711", or in "4711", as clients of 0.1.0 send it; None for any other text."""
    found = _TEXT.fullmatch(text)
    return int(found[1]) if found and int(found[1]) <= _LARGEST else None
