"""How a request becomes the call of a handler: caller first, then path, query, headers, body.

Each part is validated by compiled Pydantic validators and passed on by name. FastAPI reads the same
signatures for the OpenAPI document.
"""

import re
from collections.abc import Awaitable, Callable, Coroutine
from datetime import date
from functools import lru_cache
from inspect import signature
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from domain.errors import NotFound
from interfaces.http.framework.fields import Form, day
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import (
    InvalidFields,
    Malformed,
    TooLarge,
    UnsupportedMediaType,
)

LARGEST_BODY = 1_000_000  # bytes
MOST_PARAMETERS = 100
REMEMBERED_QUERY = 400  # bytes
SIGNING = "/v1/auth/"
KEYED = frozenset({"book_appointment", "place_hold"})
"""Operations that need an Idempotency-Key."""

_JSON = re.compile(rb"application/([a-z0-9.-]+\+)?json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
_FORM = re.compile(rb"application/x-www-form-urlencoded\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


SHOWN_ONCE = frozenset({"create_api_key", "create_webhook", "rotate_webhook", "redeliver_webhook"})
"""Operations whose answer is kept nowhere, so that it can't be given again."""


def takes_key(method: str, path: str, operation: str) -> bool:
    """Whether the operation honours an Idempotency-Key."""
    return method == "POST" and not path.startswith(SIGNING) and operation not in SHOWN_ONCE


def needs_version(method: str, path: str) -> bool:
    """Whether the operation needs If-Match: it changes what is there."""
    if path.startswith(SIGNING):
        return False
    changes = "{appointment_id}" in path or path.endswith("/merge")
    return method in {"PUT", "PATCH", "DELETE"} or (method == "POST" and changes)


class HandlerParameters(NamedTuple):
    """What a handler takes: path parameters by name with their parser, a query model, a body model."""

    path: dict[str, Callable[[str], Any]]
    query: tuple[str, type[BaseModel]] | None
    body: tuple[str, type[BaseModel]] | None


class Route(APIRoute):
    """A route that knows its caller before it looks at what is said."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute."""
        answer = self.answer = self._answering()

        async def handle(request: Request) -> Response:
            return await answer(request.scope, request.receive)

        return handle

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See starlette.routing.Route. Without the framework's layers: this ring does what they would."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405)
        response = await self.answer(scope, receive)
        await response(scope, receive, send)

    def _answering(self) -> Callable[[Scope, Receive], Awaitable[Response]]:
        operation, parts = self.operation_id or self.name, parts_of(self.endpoint)
        (method,) = self.methods or {"GET"}
        version = needs_version(method, self.path)
        keyed = takes_key(method, self.path, operation)
        handle: Callable[..., Awaitable[Response]] = self.endpoint

        async def answer(scope: Scope, receive: Receive) -> Response:
            ask = RequestContext(scope, receive, operation)
            if ask.api_key is not None:
                await ask.admit_key()
            path = scope["path_params"]
            said: dict[str, Any] = {name: parse(path[name]) for name, parse in parts.path.items()}
            _take_query(ask, parts, said)
            ask.take_version(required=version)
            if parts.body is not None:
                name, model = parts.body
                said[name] = await _body(ask, model)
            if keyed:
                ask.take_key(said.get("body"), required=operation in KEYED)
            return await handle(ask, **said)

        return answer


def parts_of(handler: Callable[..., Any]) -> HandlerParameters:
    """What a handler's signature asks for, besides the Ask."""
    hints = get_type_hints(handler, include_extras=True)
    path: dict[str, Callable[[str], Any]] = {}
    query = body = None
    for name in list(signature(handler).parameters)[1:]:
        hint = hints[name]
        if get_origin(hint) is Annotated:
            query = name, get_args(hint)[0]
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            body = name, hint
        else:
            path[name] = _PARSERS[hint]
    return HandlerParameters(path, query, body)


def _id(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise NotFound("thing", text[:64])
    return UUID(text)


def _date(text: str) -> date:
    try:
        return day(text)
    except ValueError as wrong:
        raise InvalidFields([{"pointer": "/date", "detail": str(wrong), "in": "path"}]) from None


def _name(text: str) -> str:
    return text


_PARSERS: dict[Any, Callable[[str], Any]] = {UUID: _id, date: _date, str: _name}


def _take_query(ask: RequestContext, parts: HandlerParameters, said: dict[str, Any]) -> None:
    raw: bytes = ask.scope["query_string"]
    if parts.query is not None:
        name, model = parts.query
        read = _query if len(raw) <= REMEMBERED_QUERY else _query.__wrapped__
        said[name] = read(model, raw)
    elif raw and (given := _parameters(raw)):
        raise InvalidFields([_unknown(name) for name in given])


@lru_cache(maxsize=4096)
def _query(model: type[BaseModel], raw: bytes) -> BaseModel:
    """Frozen, so the same question need not be read twice."""
    try:
        validated: BaseModel = model.__pydantic_validator__.validate_strings(_parameters(raw))
    except ValidationError as refused:
        raise InvalidFields.of(refused, "query") from None
    return validated


def _parameters(raw: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Malformed("The query is not UTF-8 in percent-encoding.") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise InvalidFields([{"pointer": "", "detail": "A parameter is given twice.", "in": "query"}])
    return given


def _unknown(name: str) -> dict[str, str]:
    return {"pointer": f"/{name[:100]}", "detail": "There is no such parameter.", "in": "query"}


async def _body(ask: RequestContext, model: type[BaseModel]) -> BaseModel:
    told = await _read(ask)
    if issubclass(model, Form):
        return _form(ask, model, told)
    if told and not _JSON.fullmatch(ask.given.get(b"content-type", b"").strip()):
        raise UnsupportedMediaType
    try:
        validated: BaseModel = model.__pydantic_validator__.validate_json(told or b"{}")
    except ValidationError as refused:
        wrong = refused.errors(include_url=False, include_input=False)[0]
        if wrong["type"] == "json_invalid":
            raise Malformed(f"The body is not JSON: {wrong['ctx']['error']}.") from None
        raise InvalidFields.of(refused, "body") from None
    return validated


def _form(ask: RequestContext, model: type[Form], told: bytes) -> Form:
    if told and not _FORM.fullmatch(ask.given.get(b"content-type", b"").strip()):
        raise UnsupportedMediaType("The body must be application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            told.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(told),
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise Malformed("The body is not a form of UTF-8 in percent-encoding.") from None
    given: dict[str, Any] = dict(pairs)
    if len(given) < len(pairs):
        raise InvalidFields([{"pointer": "", "detail": "A field is given twice."}])
    try:
        validated: Form = model.__pydantic_validator__.validate_strings(given)
    except ValidationError as refused:
        raise InvalidFields.of(refused, "body") from None
    return validated


async def _read(ask: RequestContext) -> bytes:
    length = ask.given.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > 9 or int(length) > LARGEST_BODY):
        raise TooLarge(f"A body has at most {LARGEST_BODY} bytes.")
    told = bytearray()
    more = True
    while more:
        message = await ask.receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The body breaks off.")
        told += message.get("body", b"")
        if len(told) > LARGEST_BODY:
            raise TooLarge(f"A body has at most {LARGEST_BODY} bytes.")
        more = message.get("more_body", False)
    return bytes(told)
