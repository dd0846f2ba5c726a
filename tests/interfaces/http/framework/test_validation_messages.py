"""Invalid fields are explained in one voice: instructions, no library's words, no pattern."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, ValidationError

from interfaces.http.framework.details.contact import Link, Phone
from interfaces.http.framework.details.external import ExternalId, Metadata
from interfaces.http.framework.fields import (
    Body,
    Currency,
    Date,
    Instant,
    Length,
    Line,
    Name,
    Query,
    Slug,
    Tags,
    Words,
    Zone,
)
from interfaces.http.framework.request_errors import InvalidFields


class Form(Body):
    name: Name = "x"
    line: Line = ""
    q: Words = "x"
    slug: Slug = "x"
    currency: Currency = "EUR"
    minutes: Length = 1
    price: Annotated[float, Field(gt=0, lt=10)] = 1.0
    late: Literal["refuse", "fee"] = "fee"
    active: bool = True
    id: UUID | None = None
    tags: Tags = []
    start: Instant | None = None
    day: Date | None = None
    zone: Zone = "UTC"
    inner: "Inner | None" = None


class Inner(Body):
    required: str


class Filters(Query):
    from_: str = Field("", alias="from")
    limit: int = Field(50, ge=1, le=200)


def details(refused: ValidationError, model: type[Any]) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in InvalidFields.of(refused, "body", model).errors}


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("name", " ", "Must not be empty or contain control characters."),
        ("name", "\u200b\u2060", "Must not be empty or contain control characters."),
        ("name", "\u00ad", "Must not be empty or contain control characters."),
        ("name", "\u3164\u2800", "Must not be empty or contain control characters."),
        ("name", "\u0301\ufe0f", "Must not be empty or contain control characters."),
        ("q", "\u2019 \u2013", "Must contain a letter or a digit."),
        ("q", "a b c d e f g h i j k", "Must have at most 10 words."),
        ("name", 1, "Must be a string."),
        ("name", "x" * 201, "Must have at most 200 characters."),
        ("line", "a\nb", "Must not contain control characters."),
        ("slug", "A b", "Use lower-case letters, digits and single hyphens, such as mens-haircut."),
        ("currency", "euro", "Use a three-letter ISO 4217 code such as EUR."),
        ("minutes", "1", "Must be an integer."),
        ("minutes", 1.5, "Must be an integer."),
        ("minutes", 0, "Must be at least 1."),
        ("minutes", 10_081, "Must be at most 10080."),
        ("price", "1", "Must be a number."),
        ("price", 0, "Must be greater than 0.0."),
        ("price", 10, "Must be less than 10.0."),
        ("late", "never", "Must be `refuse` or `fee`."),
        ("active", "yes", "Must be true or false."),
        ("id", "1", "Must be a UUID."),
        ("tags", "x", "Must be an array."),
        ("tags", ["x"] * 51, "Must have at most 50 items."),
        ("start", "2030-01-31T09:00:00", "Use RFC 3339 with an offset, such as 2030-01-31T09:00:00Z."),
        ("start", "2030-01-31T09:00:00.5Z", "Use whole seconds, such as 2030-01-31T09:00:00Z."),
        ("day", "31.1.2030", "Use YYYY-MM-DD, such as 2030-01-31."),
        ("day", "2030-02-30", "This date does not exist."),
        ("zone", "Moscow", "Unknown time zone `Moscow`. Did you mean `Europe/Moscow`?"),
        ("zone", "zzz", "Unknown time zone `zzz`. Use an IANA name such as Europe/Moscow."),
        ("inner", "x", "Must be an object."),
    ],
)
def test_a_wrong_value_is_answered_with_what_to_send(field: str, value: Any, detail: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate_json(json.dumps({field: value}))
    assert details(refused.value, Form) == {f"/{field}": detail}


@pytest.mark.parametrize("name", ["\u3000Ada ", "\u00a0Ada", "\tAda\n", " Ada"])
def test_blanks_around_a_name_are_left_out(name: str) -> None:
    assert Form.model_validate_json(json.dumps({"name": name})).name == "Ada"


@pytest.mark.parametrize("name", ["🙂", "中村", "7", "\u200fעדה", "- -"])
def test_a_name_needs_one_visible_character(name: str) -> None:
    assert Form.model_validate_json(json.dumps({"name": name})).name == name


def test_a_missing_field_is_named_by_its_pointer() -> None:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate({"inner": {}})
    assert details(refused.value, Form) == {"/inner/required": "Required."}


def test_an_unknown_field_comes_with_the_nearest_known_one() -> None:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate({"curency": "EUR", "qqq": 1})
    assert details(refused.value, Form) == {
        "/curency": "Unknown field `curency`. Did you mean `currency`?",
        "/qqq": "Unknown field `qqq`.",
    }


def test_parameters_are_known_by_their_public_names() -> None:
    with pytest.raises(ValidationError) as refused:
        Filters.model_validate({"form": "", "limit": 201})
    assert details(refused.value, Filters) == {
        "/form": "Unknown field `form`. Did you mean `from`?",
        "/limit": "Must be at most 200.",
    }


class Outside(Body):
    link: Link | None = None
    phone: Phone | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        (
            "link",
            "http://example.org",
            "Use an address that begins with https://, such as https://example.org/ada.jpg.",
        ),
        ("link", "https://", "Use an address that begins with https://, such as https://example.org/ada.jpg."),
        (
            "link",
            "https://a:b@example.org",
            "Use an address that begins with https://, such as https://example.org/ada.jpg.",
        ),
        (
            "link",
            "https://example.org:x",
            "Use an address that begins with https://, such as https://example.org/ada.jpg.",
        ),
        ("link", "https://[::1", "Use an address that begins with https://, such as https://example.org/ada.jpg."),
        (
            "link",
            'https://example.org/"',
            "Use an address that begins with https://, such as https://example.org/ada.jpg.",
        ),
        (
            "link",
            "javascript:alert(1)",
            "Use an address that begins with https://, such as https://example.org/ada.jpg.",
        ),
        ("phone", "call me", "Not a phone number, such as +33 1 23 45 67 89."),
        ("external_id", " ", "Must not be empty or contain control characters."),
        ("external_id", "x" * 201, "Must have at most 200 characters."),
        ("metadata", {str(n): "" for n in range(21)}, "Must have at most 20 items."),
        ("metadata", [], "Must be an object."),
    ],
)
def test_details_that_do_not_fit_are_explained(field: str, value: Any, detail: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Outside.model_validate_json(json.dumps({field: value}))
    assert details(refused.value, Outside) == {f"/{field}": detail}


@pytest.mark.parametrize(
    ("metadata", "detail"),
    [
        ({"a": "x" * 501}, "Must have at most 500 characters."),
        ({"a": 1}, "Must be a string."),
        ({"a": "\0"}, "Must not contain the character U+0000."),
        ({"a b": ""}, "Use up to 40 letters, digits and the characters `_.:-` for a key."),
        ({"": ""}, "Use up to 40 letters, digits and the characters `_.:-` for a key."),
    ],
)
def test_metadata_is_a_few_short_texts(metadata: dict[str, Any], detail: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Outside.model_validate_json(json.dumps({"metadata": metadata}))
    assert list(details(refused.value, Outside).values()) == [detail]


def test_details_that_fit_are_taken_as_they_are() -> None:
    said: dict[str, Any] = {"link": "https://example.org:8443/a?b=c#d", "phone": "+33 1", "external_id": "x:1"}
    said["metadata"] = {"a.b-c_d:e": ""}
    assert Outside.model_validate_json(json.dumps(said)).model_dump() == said
