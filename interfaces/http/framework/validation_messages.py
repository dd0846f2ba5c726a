"""The messages of invalid fields: Pydantic's error codes in Daybook's words."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

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
_PATTERNS: dict[str, str] = {}


def matching(pattern: str, message: str, **more: Any) -> Any:
    """A field of this pattern. `message`: the error when the value does not match, in place of the pattern."""
    _PATTERNS[pattern] = message
    return Field(pattern=pattern, **more)


def message_of(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """The text for one of Pydantic's errors; messages of our own validators stay as they are."""
    code, context = error["type"], error.get("ctx", {})
    if code == "extra_forbidden":
        name = str(error["loc"][-1])
        known = _names(model) if len(error["loc"]) == 1 else ()
        return unknown_name("field", name, known)
    if code == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], "Does not have the expected format.")
    if code in {"literal_error", "enum"}:
        return f"Must be {context['expected'].replace(chr(39), '`')}."
    if code in _MESSAGES:
        return _MESSAGES[code].format(**context)
    return str(error["msg"])


def unknown_name(kind: str, name: str, known: Iterable[str] = ()) -> str:
    """`kind`: "field" or "parameter". Names the nearest known one, if any is near."""
    near = get_close_matches(name[:100], list(known), n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"Unknown {kind} `{name[:100]}`.{hint}"


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
