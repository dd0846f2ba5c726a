"""What every aggregate keeps to."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.utils import get_topic, resolve_topic

import domain
from domain.catalog.tag import Tag
from domain.errors import Refusal
from domain.kernel import Aggregate, derived_id, new_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ME = new_id()


def subclasses(kind: type[Any]) -> list[type[Any]]:
    return [found for sub in kind.__subclasses__() for found in (sub, *subclasses(sub))]


AGGREGATES = [kind for kind in subclasses(Aggregate) if kind.__module__.startswith("domain.")]
EVENTS = [
    event
    for kind in AGGREGATES
    for event in vars(kind).values()
    if isinstance(event, type) and issubclass(event, Aggregate.Event)
]
REFUSALS = [kind for kind in subclasses(Refusal) if kind.__module__.startswith("domain.")]


def a_tag() -> Tag:
    return Tag(id=Tag.id_of("vegan"), by=ME, slug="vegan", name="vegan", timestamp=NOW)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__qualname__)
def test_an_event_s_topic_is_its_name_whatever_its_module(event: Any) -> None:
    assert get_topic(event) == event.__qualname__
    assert resolve_topic(event.__qualname__) is event


@pytest.mark.parametrize("kind", AGGREGATES, ids=lambda kind: kind.__name__)
def test_an_aggregate_s_topic_is_its_name(kind: Any) -> None:
    assert get_topic(kind) == kind.__name__


def test_importing_the_domain_registers_every_aggregate() -> None:
    assert {kind.__module__.rpartition(".")[2] for kind in AGGREGATES} <= set(domain.__all__)


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_public_title(kind: type[Refusal]) -> None:
    assert kind.__doc__
    assert kind.title().endswith((".", "?"))


def test_new_ids_are_time_ordered_and_of_version_7() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {id.version for id in ids} == {7}
    assert {id.variant for id in ids} == {"specified in RFC 4122"}
    millis = [id.int >> 80 for id in ids]
    assert millis == sorted(millis)


def test_ids_derived_from_the_same_parts_are_the_same() -> None:
    assert derived_id("tag", "vegan") == derived_id("tag", "vegan") != derived_id("tag", "vegetarian")


def test_a_copy_can_be_changed_and_the_original_stays() -> None:
    tag = a_tag()
    before = dict(tag.__dict__)
    copy = tag.own_copy()
    copy.rename(ME, "Vegan", NOW)
    assert (copy.name, copy.version, len(copy.pending_events)) == ("Vegan", 2, 1)
    assert tag.__dict__ == before
    assert len(tag.pending_events) == 1


def recorders() -> list[tuple[str, ast.FunctionDef]]:
    """Functions under @event, which run again on replay."""
    return [
        (f"{path.stem}.{node.name}", node)
        for path in sorted(Path(domain.__path__[0]).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and any(map(records, node.decorator_list))
    ]


def records(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "event"


@pytest.mark.parametrize(("name", "recorder"), recorders(), ids=[name for name, _ in recorders()])
def test_a_recorder_only_assigns(name: str, recorder: ast.FunctionDef) -> None:
    """No guard: a stricter rule would make old streams unreadable. No container changed in place."""
    for node in ast.walk(recorder):
        assert not isinstance(node, ast.Raise | ast.If | ast.Assert | ast.Delete), name
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assert not any(isinstance(target, ast.Subscript) for target in targets), name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"append", "update", "pop", "add", "remove", "extend", "clear"}, name
