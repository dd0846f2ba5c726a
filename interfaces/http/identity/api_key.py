"""API keys: for programs, which act as the account that made them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json

from application.access import ACCESS, BY_PEOPLE
from application.identity.api_key import ApiKey
from interfaces.http.framework.etags import etag
from interfaces.http.framework.fields import Body, Instant, Name, Paging, Resource, Shape, plain
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse, seen_unpositioned
from interfaces.http.framework.routing import Route
from interfaces.http.identity.session import done

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], route_class=Route)


def _scope(value: str) -> str:
    if value not in {"read", "write"} and (value not in ACCESS or value in BY_PEOPLE):
        raise PydanticCustomError("scope", "A scope is read, write, or an operation that keys may be for.")
    return value


Scopes = Annotated[
    list[Annotated[str, Field(max_length=64), AfterValidator(_scope)]], Field(min_length=1, max_length=50)
]


class NewApiKey(Body):
    """`scopes`: "read", "write", or operations by their operationId. Without `expires_at` it stays good."""

    name: Name
    scopes: Scopes
    expires_at: Instant | None = None


class ApiKeyName(Body):
    """What people read."""

    name: Name


class ApiKeyShown(Resource):
    """What a program may do. `used_at`: when last, right to the minute."""

    name: str
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    used_at: Instant | None


class ApiKeyMade(ApiKeyShown):
    """`secret` is sent as a Bearer token. It is shown this once."""

    secret: str


class ApiKeyPage(Shape):
    items: list[ApiKeyShown]
    next: str | None


class ApiKeyFilters(Paging):
    """The caller's keys, the oldest first."""


def shown(key: ApiKey) -> dict[str, Any]:
    """A key as answered."""
    return {
        "id": key.id,
        "version": key.version,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": plain(key.created_at),
        "expires_at": plain(key.expires_at) if key.expires_at else None,
        "used_at": plain(key.used_at) if key.used_at else None,
    }


@router.post("", operation_id="create_api_key", status_code=201, response_model=ApiKeyMade)
async def create(ask: RequestContext, body: NewApiKey) -> Response:
    """Make a key. It may do what its scopes say and the caller may, as long as the caller may."""
    if body.expires_at is not None and body.expires_at <= ask.ports.store.now():
        raise InvalidFields([{"pointer": "/expires_at", "detail": "It lies in the past."}])
    scopes = list(dict.fromkeys(body.scopes))
    account = ask.caller.account
    made, secret = await ask.signing.keys.make(account, body.name, scopes, body.expires_at)
    facts = {"key": str(made.id), "scopes": scopes}
    await ask.signing.security.note("api_key_made", account, network=ask.network, **facts)
    headers = {
        b"location": f"/v1/api-keys/{made.id}".encode(),
        b"etag": etag(made.version),
        b"cache-control": PRIVATE,
    }
    return HttpResponse(201, to_json({**shown(made), "secret": secret}), headers)


@router.get("", operation_id="list_api_keys", response_model=ApiKeyPage)
async def find(ask: RequestContext, filters: Annotated[ApiKeyFilters, Query()]) -> Response:
    """List the caller's keys."""
    asked = page(ask, filters)
    after = UUID(asked.after) if asked.after else None
    found = await ask.signing.keys.find(ask.caller.account, limit=asked.limit + 1, after=after)
    items = found[: asked.limit]
    bookmark = str(items[-1].id) if len(found) > asked.limit else None
    said = {"items": [shown(each) for each in items], "next": sealed(ask, filters, bookmark)}
    return HttpResponse(200, to_json(said), {b"cache-control": PRIVATE})


@router.get("/{key_id}", operation_id="get_api_key", response_model=ApiKeyShown)
async def get(ask: RequestContext, key_id: UUID) -> Response:
    """Show a key, without its secret."""
    return _answer(ask.given, await ask.signing.keys.get(ask.caller.account, key_id))


@router.patch("/{key_id}", operation_id="change_api_key", response_model=ApiKeyShown)
async def change(ask: RequestContext, key_id: UUID, body: ApiKeyName) -> Response:
    """Rename a key. To change what it may do, make another."""
    key = await ask.signing.keys.rename(ask.caller.account, key_id, body.name, ask.version)
    return _answer({}, key)


@router.delete("/{key_id}", operation_id="delete_api_key", status_code=204)
async def delete(ask: RequestContext, key_id: UUID) -> Response:
    """End a key; within a second it opens nothing."""
    await ask.signing.keys.end(ask.caller.account, key_id, ask.version)
    account, key = ask.caller.account, str(key_id)
    await ask.signing.security.note("api_key_ended", account, network=ask.network, key=key)
    return done()


def _answer(headers: Mapping[bytes, bytes], key: ApiKey) -> HttpResponse:
    return seen_unpositioned(headers, key.version, shown(key))
