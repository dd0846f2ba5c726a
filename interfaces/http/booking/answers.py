"""Answers to a service's questions, by question: text, numbers, booleans or lists of them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

MOST_ANSWERS = 64
LARGEST = 2**53 - 1
_ONE = [
    {"type": "string", "maxLength": 2000, "pattern": r"^[^\x00]*$"},
    {"type": "number", "maximum": LARGEST, "minimum": -LARGEST},
    {"type": "boolean"},
    {"type": "null"},
]
_SEVERAL = {"type": "array", "items": {"anyOf": _ONE}, "maxItems": MOST_ANSWERS}


def _answers(value: Any) -> Any:
    """Text, numbers, booleans or a list of them, by question. Raises a validation error."""
    if not isinstance(value, dict):
        raise PydanticCustomError("answers", "Must be an object.")
    if len(value) > MOST_ANSWERS:
        raise PydanticCustomError("answers", f"Must have at most {MOST_ANSWERS} answers.")
    for name, answer in value.items():
        several = answer if isinstance(answer, list) else [answer]
        if not _fits(name, 200) or len(several) > MOST_ANSWERS or not all(map(_simple, several)):
            raise PydanticCustomError("answers", "An answer must be text, a number, true, false, or a list of those.")
    return value


def _simple(answer: Any) -> bool:
    if answer is None or isinstance(answer, bool):
        return True
    if isinstance(answer, int | float):
        return -LARGEST <= answer <= LARGEST
    return _fits(answer, 2000)


def _fits(answer: Any, longest: int) -> bool:
    return isinstance(answer, str) and len(answer) <= longest and "\0" not in answer


Answers = Annotated[
    dict[str, Any],
    BeforeValidator(_answers),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MOST_ANSWERS,
            "propertyNames": {"maxLength": 200, "pattern": r"^[^\x00]*$"},
            "additionalProperties": {"anyOf": [*_ONE, _SEVERAL]},
        }
    ),
]
