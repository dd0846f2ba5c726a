"""The fields and parameters of the OpenAPI document: each with its meaning, an example, and named sets of values."""

from collections.abc import Mapping
from typing import Any

from interfaces.http.openapi_examples import EXAMPLES
from interfaces.http.vocabulary.enum_name import KEY
from interfaces.http.vocabulary.lookup import word_of

Described = dict[str, Any]
_REF = "#/components/schemas/"
_BY_FORMAT: Mapping[str, str] = {
    "uuid": "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10",
    "date": "2030-01-31",
    "date-time": "2030-01-31T09:00:00Z",
}


def describe_fields(schemas: Mapping[str, Described]) -> None:
    """Give every property a description and an example, unless it has its own."""
    for name, schema in schemas.items():
        example = EXAMPLES.get(name, {})
        for field, described in schema.get("properties", {}).items():
            _describe(described, name, field, example.get(field))


def describe_parameters(operation: Described) -> None:
    """Give every parameter of an operation a description and an example, unless it has its own."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "header":
            schema = parameter["schema"]
            _describe(schema, operation["operationId"], parameter["name"], None)
            parameter["description"] = schema.pop("description", "")


def _describe(schema: Described, place: str, name: str, example: Any) -> None:
    """`example`: of the schema that has the field."""
    word = word_of(place, name)
    if word is not None:
        schema.setdefault("description", word.description)
    shown = [each for each in (example, word and word.example, _plain(schema)) if each is not None]
    if shown and "examples" not in schema and not _referred(schema) and schema.get("type") != "null":
        schema["examples"] = shown[:1]
    for inner in schema.get("anyOf", ()):
        if inner.get("examples") == schema.get("examples"):
            inner.pop("examples", None)


def _plain(schema: Described) -> Any:
    """An example that follows from the type alone; None if none does."""
    for each in (schema, *schema.get("anyOf", ())):
        if "enum" in each:
            return each["enum"][0]
        if "const" in each:
            return each["const"]
        if each.get("format") in _BY_FORMAT:
            return _BY_FORMAT[each["format"]]
    return None


def _referred(schema: Described) -> bool:
    """Whether the value is described by a schema of its own, which has the examples."""
    parts = (schema, schema.get("items", {}), *schema.get("anyOf", ()))
    return any("$ref" in part or "$ref" in part.get("items", {}) for part in parts)


def name_enums(document: Described) -> None:
    """Move each set of values with a name to a schema of that name."""
    schemas = document["components"]["schemas"]
    found: dict[str, Described] = {}
    _name(document, found)
    clashes = found.keys() & schemas.keys()
    if clashes:
        raise AssertionError(f"a set of values and a schema have one name: {sorted(clashes)}")
    schemas.update(found)


def _name(value: Any, found: dict[str, Described]) -> None:
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _name(each, found)
    if isinstance(value, dict) and KEY in value:
        name = value.pop(KEY)
        values = {"type": "string", "title": name, "enum": value.pop("enum")}
        if found.setdefault(name, values) != values:
            raise AssertionError(f"two sets of values have one name: {name}")
        for key in ("type", "title"):
            value.pop(key, None)
        value["$ref"] = _REF + name
