"""Every field and parameter of the OpenAPI document says what it means, and shows a value that is one."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from interfaces.http.vocabulary.lookup import ROOMS, WORDS
from tests.interfaces.http.openapi.committed import DOCUMENT

SCHEMAS = DOCUMENT["components"]["schemas"]
HINT = "add it to the vocabulary of its room: interfaces/http/vocabulary"


def _fields() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, owner of the description, and schema of each field, parameter and header."""
    for name, schema in SCHEMAS.items():
        for field, described in schema.get("properties", {}).items():
            yield f"{name}.{field}", described, described
    for operation in _operations():
        for parameter in operation.get("parameters", []):
            yield f"{operation['operationId']}.{parameter['name']}", parameter, parameter["schema"]


def _operations() -> Iterator[dict[str, Any]]:
    for methods in DOCUMENT["paths"].values():
        yield from methods.values()


def _schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    """Each part of the document that has examples."""
    if isinstance(value, dict):
        if isinstance(value.get("examples"), list):
            yield value
        for each in value.values():
            yield from _schemas_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _schemas_in(each)


def _refers(schema: dict[str, Any]) -> bool:
    """Whether the value has a schema of its own, and with it an example."""
    parts = [schema, schema.get("items", {}), *schema.get("anyOf", [])]
    return any("$ref" in part or "$ref" in part.get("items", {}) for part in parts)


def test_every_field_and_parameter_says_what_it_means() -> None:
    silent = [name for name, described, _ in _fields() if not described.get("description")]
    assert not silent, HINT


def test_every_description_is_made_of_sentences() -> None:
    descriptions = {name: described["description"] for name, described, _ in _fields()}
    assert not {name: text for name, text in descriptions.items() if not text.endswith(".") or "  " in text}


def test_every_field_and_parameter_shows_an_example() -> None:
    without = [
        name
        for name, _, schema in _fields()
        if not (schema.get("examples") or _refers(schema) or schema.get("type") == "null")
    ]
    assert not without, HINT


def test_every_example_conforms_to_its_schema() -> None:
    wrong = []
    for schema in _schemas_in({"components": DOCUMENT["components"], "paths": DOCUMENT["paths"]}):
        whole = {**schema, "components": DOCUMENT["components"]}
        validator = jsonschema_rs.validator_for(whole, validate_formats=True)
        wrong += [(schema.get("title"), each) for each in schema["examples"] if not validator.is_valid(each)]
    assert not wrong


def test_every_fixed_set_of_values_has_a_name() -> None:
    inline = [name for name, schema in SCHEMAS.items() if "enum" in json.dumps(schema.get("properties", {}))]
    inline += [each["operationId"] for each in _operations() if '"enum"' in json.dumps(each)]
    assert not inline, "annotate it: Annotated[Literal[...], EnumName(...)]"


def test_a_header_is_one_plain_value() -> None:
    headers = [
        each for operation in _operations() for each in operation.get("parameters", []) if each["in"] == "header"
    ]
    assert headers
    assert all(header["schema"]["type"] == "string" for header in headers)


def test_no_description_repeats_its_summary() -> None:
    for operation in _operations():
        assert operation["description"]
        assert operation["summary"] not in operation["description"]


def test_every_operation_names_the_roles_that_may_use_it() -> None:
    for operation in _operations():
        public = not operation["security"] or {} in operation["security"]
        assert ("Needs no token." in operation["description"]) is public, operation["operationId"]
        assert ("Roles: `" in operation["description"]) is not public, operation["operationId"]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__.rpartition(".")[2])
def test_every_word_of_a_room_is_used_and_said_once(room: Any) -> None:
    places = {name for name, _, _ in _fields()}
    used = places | {place.partition(".")[2] for place in places}
    used |= {f"{name}.{field}" for name, schema in SCHEMAS.items() for field in schema.get("properties", {})}
    assert set(room.WORDS) <= used
    assert all(WORDS[name] is word for name, word in room.WORDS.items()), "another room says it too"
