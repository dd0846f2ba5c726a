"""Every version of every event ever written can still be read, and none changes its shape unnoticed.

`events.json` has one recorded example of each. An event class with other fields is another version: give it
a `class_version` with an upcaster, and record an example beside the old one:
`python -m tests.golden.test_golden`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, is_typeddict
from uuid import UUID

import pytest

import domain
from domain.kernel import Aggregate
from domain.personal_data import PersonalData
from infrastructure.event_log.event_codec import decode, encode

FILE = Path(__file__).with_name("events.json")
EXAMPLES: list[dict[str, Any]] = json.loads(FILE.read_text()) if FILE.exists() else []
ID = UUID("0190a000-0000-7000-8000-000000000001")
AT = datetime(2030, 1, 7, 9, tzinfo=UTC)
_LIBRARYS = {"originator_id": ID, "originator_version": 1, "originator_topic": "Topic", "timestamp": AT}
_VALUES: dict[Any, Any] = {UUID: ID, datetime: AT, str: "text", int: 30, bool: True, float: 0.5}


def event_classes() -> Iterator[type[Any]]:
    """Of every aggregate of the domain."""
    assert domain
    for aggregate in Aggregate.__subclasses__():
        for each in vars(aggregate).values():
            if (
                isinstance(each, type)
                and issubclass(each, Aggregate.Event)
                and each.__name__ not in {"Event", "Created"}
            ):
                yield each


def key(kind: type[Any]) -> tuple[str, int]:
    return str(kind.TOPIC), int(getattr(kind, "class_version", 1))


CLASSES = {key(kind): kind for kind in event_classes()}


def example(kind: type[Any]) -> Any:
    """An event of this kind."""
    own = {name: each.type for name, each in kind.__dataclass_fields__.items() if name not in _LIBRARYS}
    assert not any(isinstance(each, str) for each in own.values()), "no postponed annotations: types are looked at"
    fields = {name: _value(each) for name, each in own.items()}
    fields |= {name: value for name, value in _LIBRARYS.items() if name in kind.__dataclass_fields__}
    return kind(**fields)


def recorded(kind: type[Any]) -> dict[str, Any]:
    """An example as it would be stored."""
    row = encode(example(kind), "{}", {ID: bytes(32)})
    topic, version = key(kind)
    return {"topic": topic, "class_version": version, "state": json.loads(row.state)}


def _value(kind: Any) -> Any:
    if kind is PersonalData or PersonalData in get_args(kind):
        return PersonalData(ID, {"name": "Ada"})
    if get_origin(kind) in {Union, UnionType}:
        return _value(next(each for each in get_args(kind) if each is not type(None)))
    if is_typeddict(kind):
        return {}
    if get_origin(kind) in {dict, list} or kind in {dict, list}:
        return (get_origin(kind) or kind)()
    return _VALUES[kind]


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.TOPIC)
def test_the_shape_of_an_event_changes_with_its_version_alone(kind: type[Any]) -> None:
    topic, version = key(kind)
    known = [each for each in EXAMPLES if (each["topic"], each["class_version"]) == (topic, version)]
    assert known, f"record an example of {topic}: python -m tests.golden.test_golden"
    assert list(known[0]["state"]) == list(recorded(kind)["state"]), "other fields: another class_version"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each['topic']}-{each['class_version']}")
def test_what_was_recorded_can_be_read(example: dict[str, Any]) -> None:
    state = json.dumps(example["state"]).encode()
    event = decode(example["topic"], state, ID, 1)
    assert type(event).__qualname__ == example["topic"]
    fields = type(event).__dataclass_fields__
    assert set(fields) <= {*vars(event)}
    for name, value in vars(event).items():
        told = fields[name].type if name in fields else object
        if told in {UUID, datetime, PersonalData}:
            assert isinstance(value, told), name


def test_no_example_is_of_an_event_that_is_no_more() -> None:
    topics = {topic for topic, _ in CLASSES}
    assert {each["topic"] for each in EXAMPLES} <= topics, "what was written once must be readable for ever"


if __name__ == "__main__":
    there = {(each["topic"], each["class_version"]) for each in EXAMPLES}
    fresh = [recorded(kind) for at, kind in CLASSES.items() if at not in there]
    FILE.write_text(json.dumps([*EXAMPLES, *fresh], indent=1) + "\n")
