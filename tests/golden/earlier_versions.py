"""Events as earlier releases recorded them: without the fields that later versions have added."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from infrastructure.event_log.event_codec import EventRow, digest, encode
from tests.golden.test_golden import EXAMPLES

Encode = Callable[..., EventRow]


def _fields(topic: str, version: int) -> list[str]:
    return next(list(each["state"]) for each in EXAMPLES if (each["topic"], each["class_version"]) == (topic, version))


NEWER = {each["topic"] for each in EXAMPLES if each["class_version"] > 1}
"""The topics that have more than one version."""
ADDED = {topic: {*_fields(topic, 2)} - {*_fields(topic, 1)} for topic in NEWER}


def encode_version_1(event: Any, metadata: str, keys: Mapping[UUID, bytes]) -> EventRow:
    """In place of `encode`: as release 0.1.0 wrote the event."""
    row = encode(event, metadata, keys)
    if row.topic not in NEWER:
        return row
    state = {name: value for name, value in json.loads(row.state).items() if name not in ADDED[row.topic]}
    return with_state(row, state)


def with_state(row: EventRow, state: Mapping[str, Any]) -> EventRow:
    """The row with another state, and the digest of it."""
    text = json.dumps(state, separators=(",", ":"), ensure_ascii=False).encode()
    sealed = digest(row.id, row.stream, row.version, row.topic, text, row.metadata)
    return row._replace(state=text, digest=sealed)
