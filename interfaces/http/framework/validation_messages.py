"""The messages of invalid fields: Pydantic's error codes in Daybook's words."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, Field

_MESSAGES: Mapping[str, str] = {
    "missing": "Required.",
    "string_type": "Must be a string.",
    "string_unicode": "Must be valid Unicode.",
    "string_too_short": "Must have at least {min_length} characters.",
    "string_too_long": "Must have at most {max_length} characters.",
    "int_type": "Must be an integer.",
    "int_parsing": "Must be an integer.",
    "int_parsing_size": "Must be an integer of at most 4300 digits.",
    "int_from_float": "Must be an integer.",
    "float_type": "Must be a number.",
    "float_parsing": "Must be a number.",
    "finite_number": "Must be a finite number.",
    "bool_type": "Must be true or false.",
    "bool_parsing": "Must be true or false.",
    "greater_than": "Must be greater than {gt}.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than": "Must be less than {lt}.",
    "less_than_equal": "Must be at most {le}.",
    "too_short": "Must have at least {min_length} items.",
    "too_long": "Must have at most {max_length} items.",
    "list_type": "Must be an array.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "uuid_type": "Must be a UUID.",
    "uuid_parsing": "Must be a UUID.",
    "uuid_version": "Must be a UUID.",
    "none_required": "Must be null.",
    "is_instance_of": "Must be a UUID.",
}
"""Pydantic's code -> text, with the error's context filled in."""
_QUOTED = re.compile("`([^`]+)`")
_PATTERNS: dict[str, str] = {}


def matching(pattern: str, message: str, **more: Any) -> Any:
    """A field of this pattern. `message`: the error when the value does not match, in place of the pattern."""
    _PATTERNS[pattern] = message
    return Field(pattern=pattern, **more)


def message_of(error: Mapping[str, Any], model: type[BaseModel], kind: str = "field") -> str:
    """The text for one of Pydantic's errors; messages of our own validators stay as they are.

    `kind`: "field" or "parameter".
    """
    code, context = error["type"], error.get("ctx", {})
    if code == "extra_forbidden":
        return unknown_name(kind, str(error["loc"][-1]), _names_at(model, error["loc"][:-1]))
    if code == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], "Does not have the expected format.")
    if code in {"literal_error", "enum"}:
        expected = str(context["expected"]).replace(chr(39), "`")
        return f"Must be {expected}.{did_you_mean(error.get('input'), _QUOTED.findall(expected))}"
    if code in _MESSAGES:
        return _MESSAGES[code].format(**context)
    return str(error["msg"])


def unknown_name(kind: str, name: str, known: Iterable[str] = ()) -> str:
    """`kind`: "field" or "parameter". Names the nearest known one, if any is near."""
    return f"Unknown {kind} `{name[:100]}`.{did_you_mean(name, known)}"


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """The question whether the known name that is nearest was meant; empty if none is near."""
    if not isinstance(value, str):
        return ""
    names = {name.casefold(): name for name in known}
    near = get_close_matches(value[:100].casefold(), list(names), n=1)
    return f" Did you mean `{names[near[0]]}`?" if near else ""


def _names_at(model: type[BaseModel], place: Sequence[str | int]) -> Iterator[str]:
    """The names of the fields at a place within a body."""
    models: Sequence[type[BaseModel]] = [model]
    for part in place:
        inner = [each for outer in models for each in _models_of(outer, part)]
        models = inner or models  # an index, or the name of one of several shapes
    for each in models:
        yield from (field.alias or name for name, field in each.model_fields.items())


def _models_of(model: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if part in {name, field.alias}:
            yield from _models_in(field.annotation)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
