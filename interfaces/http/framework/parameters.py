"""The parameters of a handler, from its signature: path parameters, a query model, a body model."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, lru_cache
from inspect import signature
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import BaseModel, ValidationError

from interfaces.http.framework.fields import day
from interfaces.http.framework.request_errors import InvalidFields, Malformed, not_found, repeated, unknown_parameter

MOST_PARAMETERS = 100
IGNORED = "utm_"  # what newsletters and campaigns add to links
LONGEST_CACHED_QUERY = 400  # bytes
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class HandlerParameters(NamedTuple):
    """Path parameters by name with their parser, and name and type of the query and body models."""

    path: dict[str, Callable[[str, str], Any]]
    query: tuple[str, type[BaseModel]] | None
    body: tuple[str, type[BaseModel]] | None


def parameters_of(handler: Callable[..., Any]) -> HandlerParameters:
    """The parameters after the RequestContext; raises TypeError for one of an unknown type."""
    hints = get_type_hints(handler, include_extras=True)
    path: dict[str, Callable[[str, str], Any]] = {}
    query = body = None
    for name in list(signature(handler).parameters)[1:]:
        hint = hints[name]
        if get_origin(hint) is Annotated:
            query = name, get_args(hint)[0]
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            body = name, hint
        elif hint in _PARSERS:
            path[name] = _PARSERS[hint]
        else:
            raise TypeError(f"{handler.__qualname__}({name}): a path parameter is a UUID, a date or a str, not {hint}.")
    return HandlerParameters(path, query, body)


def _id(name: str, text: str) -> UUID:
    if not _UUID.fullmatch(text):
        thing = name.removesuffix("_id").replace("_", " ")
        article = "an" if thing[0] in "aeiou" else "a"
        raise not_found(f"`{text[:64]}` is not {article} {thing} id (UUID).")
    return UUID(text)


def _date(name: str, text: str) -> date:
    try:
        return day(text)
    except ValueError as wrong:
        raise InvalidFields([{"pointer": f"/{name}", "detail": str(wrong), "in": "path"}]) from None


def _text(name: str, text: str) -> str:  # noqa: ARG001
    return text


_PARSERS: dict[Any, Callable[[str, str], Any]] = {UUID: _id, date: _date, str: _text}


def read_path(values: Mapping[str, str], parameters: HandlerParameters) -> dict[str, Any]:
    """The path parameters; raises NotFound for a malformed id, InvalidFields for a malformed date."""
    return {name: parse(name, values[name]) for name, parse in parameters.path.items()}


def read_query(raw: bytes, parameters: HandlerParameters) -> dict[str, BaseModel]:
    """The query model under its handler's name; raises InvalidFields or Malformed."""
    if parameters.query is not None:
        name, model = parameters.query
        read = _query if len(raw) <= LONGEST_CACHED_QUERY else _query.__wrapped__
        return {name: read(model, raw)}
    if raw and (values := _values(raw)):
        raise InvalidFields([unknown_parameter(name) for name in values])
    return {}


@lru_cache(maxsize=4096)
def _query(model: type[BaseModel], raw: bytes) -> BaseModel:
    """Models are frozen, so that the same query is parsed once."""
    try:
        validated: BaseModel = model.__pydantic_validator__.validate_strings(_values(raw, _several(model)))
    except ValidationError as refused:
        raise InvalidFields.of(refused, "query", model) from None
    return validated


@cache
def _several(model: type[BaseModel]) -> frozenset[str]:
    """The parameters that may be given several times: their type is a tuple of `Several`."""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    return frozenset(name for name, hint in fields.items() if any(get_origin(e) is tuple for e in get_args(hint)))


def _values(raw: bytes, several: frozenset[str] = frozenset()) -> dict[str, Any]:
    try:
        read = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Malformed("The query must be percent-encoded UTF-8.") from None
    pairs = [each for each in read if not each[0].startswith(IGNORED)]
    values: dict[str, Any] = dict(pairs)
    once = [name for name, _ in pairs if name not in several]
    if len({*once}) < len(once):
        raise InvalidFields(repeated(once, "query"))
    return values | {name: ",".join(value for each, value in pairs if each == name) for name in several & values.keys()}
