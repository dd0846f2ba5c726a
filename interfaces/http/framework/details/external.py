"""What an outside program keeps with a resource: its own id for it, and a few values."""

from typing import Annotated, Any

from pydantic import Field

from interfaces.http.framework.validation_messages import matching

MOST_KEYS = 20

ExternalId = Annotated[
    str,
    matching(
        r"^[^\x00-\x1F\x7F]*[^\x00-\x20\x7F\s][^\x00-\x1F\x7F]*$",
        "Must not be empty or contain control characters.",
        max_length=200,
        examples=["crm-4711"],
    ),
]
_Key = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9_.:-]{1,40}$",
        "Use up to 40 letters, digits and the characters `_.:-` for a key.",
        examples=["branch"],
    ),
]
_Value = Annotated[str, matching(r"^[^\x00]*$", "Must not contain the character U+0000.", max_length=500)]
Metadata = Annotated[dict[_Key, _Value], Field(max_length=MOST_KEYS, examples=[{"branch": "north"}])]
"""A change replaces all of it. Not meant for personal data."""


def empty() -> Any:
    """The default of an object that is usually left out: new each time, where Pydantic would copy a `{}` deeply."""
    return Field(default_factory=dict, json_schema_extra={"default": {}})
