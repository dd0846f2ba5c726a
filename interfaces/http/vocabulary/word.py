"""A word: the meaning of a field or parameter, with its unit, and an example of its value."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Word(NamedTuple):
    """`description`: a sentence or two, with the unit. `example`: None if that of its schema shows enough."""

    description: str
    example: Any = None


Words = Mapping[str, Word]
"""By the name of the field. `Schema.field` and `operation_id.parameter` stand for a meaning of one place alone."""
