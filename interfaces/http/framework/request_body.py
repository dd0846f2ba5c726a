"""The body of a request: JSON, or a form where OAuth 2 demands one."""

import json
import re
from codecs import BOM_UTF8
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from interfaces.http.framework.fields import Form
from interfaces.http.framework.parameters import MOST_PARAMETERS
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields, Malformed, TooLarge, UnsupportedMediaType, repeated

LARGEST_BODY = 1_000_000  # bytes
_MEMBER = re.compile(rb'"\s*:')
"""The end of a member's name, and perhaps a part of a string."""
_JSON = re.compile(rb"application/([a-z0-9.-]+\+)?json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
_FORM = re.compile(rb"application/x-www-form-urlencoded\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)


async def read_body(request: RequestContext, model: type[BaseModel], *, logged: bool) -> BaseModel:
    """Raises InvalidFields, Malformed, TooLarge or UnsupportedMediaType. `logged`: it counts against a budget."""
    raw = await _bytes(request)
    if logged and raw:
        caller = request.caller
        budget = request.ports.abuse.budget
        await budget.spend(caller.account, request.network, len(raw), customer=caller.is_customer)
    if issubclass(model, Form):
        return _form(request, model, raw)
    if raw and not _JSON.fullmatch(_media_type(request)):
        raise UnsupportedMediaType("The body must be application/json.")
    raw = raw.removeprefix(BOM_UTF8)
    try:
        validated: BaseModel = model.__pydantic_validator__.validate_json(raw or b"{}")
        if len(_MEMBER.findall(raw)) != len(validated.model_fields_set):
            _refuse_duplicates(raw)  # each member has a match, each field a member: if as many, no name came twice
    except ValidationError as refused:
        wrong = refused.errors(include_url=False, include_input=False)[0]
        if wrong["type"] == "json_invalid":
            raise Malformed(f"The body is not valid JSON: {wrong['ctx']['error']}.") from None
        _refuse_duplicates(raw)
        raise InvalidFields.of(refused, "body", model) from None
    return validated


def _refuse_duplicates(raw: bytes) -> None:
    """Raise Malformed if an object of valid JSON has two members of one name: its readers would disagree."""
    if raw:
        # Numbers are not read: nothing but the names counts here, and a long number takes long.
        json.loads(raw.decode("utf-8", "surrogatepass"), object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"The body has the member `{twice[:100]}` more than once in one object.")


def _media_type(request: RequestContext) -> bytes:
    return request.sent.get(b"content-type", b"").strip()


def _form(request: RequestContext, model: type[Form], raw: bytes) -> Form:
    if raw and not _FORM.fullmatch(_media_type(request)):
        raise UnsupportedMediaType("The body must be application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise Malformed("The body must be a form of percent-encoded UTF-8.") from None
    values: dict[str, Any] = dict(pairs)
    if len(values) < len(pairs):
        raise InvalidFields(repeated([name for name, _ in pairs], "body"))
    try:
        validated: Form = model.__pydantic_validator__.validate_strings(values)
    except ValidationError as refused:
        raise InvalidFields.of(refused, "body", model) from None
    return validated


async def _bytes(request: RequestContext) -> bytes:
    length = request.sent.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > 9 or int(length) > LARGEST_BODY):
        raise TooLarge(f"A body may have at most {LARGEST_BODY} bytes.")
    raw = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The connection was closed before the body was complete.")
        raw += message.get("body", b"")
        if len(raw) > LARGEST_BODY:
            raise TooLarge(f"A body may have at most {LARGEST_BODY} bytes.")
        more = message.get("more_body", False)
    return bytes(raw)
