"""Reads `text/event-stream`."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Frame(NamedTuple):
    """An event of a stream; `type` is empty and `data` None for one that only says how far the stream is."""

    id: str
    type: str
    data: Any


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """The events of a stream; what follows the last empty line is not whole, and is left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Frame(fields.get("id", ""), fields.get("event", ""), json.loads(fields.get("data", "null")))
            fields = {}
