"""Routes of API keys: programs act with them for the account that made them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json

from application.access import ACCESS, BY_PEOPLE
from application.identity.api_key import ApiKey
from interfaces.http.framework.fields import Body, Instant, Name, Paging, Resource, Shape, plain
from interfaces.http.framework.headers.etags import etag
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse, unpositioned_response
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import did_you_mean
from interfaces.http.identity.session import no_content

router = Router("/v1/api-keys", "api-keys", source=Source.ROWS)


def _scope(value: str) -> str:
    if value not in {"read", "write"} and (value not in ACCESS or value in BY_PEOPLE):
        raise PydanticCustomError(
            "scope",
            "Unknown scope `{scope}`.{near} Use `read`, `write` or an operation id that API keys may do.",
            {"scope": value, "near": did_you_mean(value, ACCESS.keys() - BY_PEOPLE)},
        )
    return value


Scopes = Annotated[
    list[Annotated[str, Field(max_length=64), AfterValidator(_scope)]], Field(min_length=1, max_length=50)
]


class CreateApiKeyBody(Body):
    """`scopes`: "read", "write", or operationIds. Without `expires_at` the key does not expire."""

    name: Name
    scopes: Scopes
    expires_at: Instant | None = None


class ChangeApiKeyBody(Body):
    """The key's new name."""

    name: Name


class ApiKeyResponse(Resource):
    """An API key. `used_at`: the last use, to the minute."""

    name: str
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    used_at: Instant | None


class ApiKeyWithSecretResponse(ApiKeyResponse):
    """`secret` is sent as a Bearer token. It is shown only once."""

    secret: str


class ApiKeyPage(Shape):
    items: list[ApiKeyResponse]
    next: str | None


class ApiKeyFilters(Paging):
    """The caller's API keys, the oldest first."""


def api_key_response(key: ApiKey) -> dict[str, Any]:
    """An API key as JSON."""
    return {
        "id": key.id,
        "version": key.version,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": plain(key.created_at),
        "expires_at": plain(key.expires_at) if key.expires_at else None,
        "used_at": plain(key.used_at) if key.used_at else None,
    }


@router.post("", "create_api_key", ApiKeyWithSecretResponse, status=201, needs=Needs(shows_secret=True))
async def create(request: RequestContext, body: CreateApiKeyBody) -> Response:
    """Create an API key. It may do what both its scopes and the caller's permissions allow."""
    if body.expires_at is not None and body.expires_at <= request.ports.store.now():
        raise InvalidFields([{"pointer": "/expires_at", "detail": "Must lie in the future."}])
    scopes = list(dict.fromkeys(body.scopes))
    account = request.caller.account
    made, secret = await request.ports.identity.signing.keys.make(account, body.name, scopes, body.expires_at)
    facts = {"key": str(made.id), "scopes": scopes}
    await request.ports.identity.signing.security.note("api_key_made", account, network=request.network, **facts)
    headers = {
        b"location": f"/v1/api-keys/{made.id}".encode(),
        b"etag": etag(made.version),
        b"cache-control": PRIVATE,
    }
    return HttpResponse(201, to_json({**api_key_response(made), "secret": secret}), headers)


@router.get("", "list_api_keys", ApiKeyPage)
async def find(request: RequestContext, filters: Annotated[ApiKeyFilters, Query()]) -> Response:
    """List the caller's API keys."""
    bounds = page(request, filters)
    after = UUID(bounds.after) if bounds.after else None
    found = await request.ports.identity.signing.keys.find(request.caller.account, limit=bounds.limit + 1, after=after)
    items = found[: bounds.limit]
    bookmark = str(items[-1].id) if len(found) > bounds.limit else None
    content = {"items": [api_key_response(each) for each in items], "next": next_cursor(request, filters, bookmark)}
    return HttpResponse(200, to_json(content), {b"cache-control": PRIVATE})


@router.get("/{key_id}", "get_api_key", ApiKeyResponse)
async def get(request: RequestContext, key_id: UUID) -> Response:
    """Get an API key, without its secret."""
    return _api_key(request.sent, await request.ports.identity.signing.keys.get(request.caller.account, key_id))


@router.patch("/{key_id}", "change_api_key", ApiKeyResponse)
async def change(request: RequestContext, key_id: UUID, body: ChangeApiKeyBody) -> Response:
    """Rename an API key. To change its scopes, create another."""
    key = await request.ports.identity.signing.keys.rename(request.caller.account, key_id, body.name, request.version)
    return _api_key({}, key)


@router.delete("/{key_id}", "delete_api_key")
async def delete(request: RequestContext, key_id: UUID) -> Response:
    """Delete an API key. It stops working within a second."""
    await request.ports.identity.signing.keys.end(request.caller.account, key_id, request.version)
    account, key = request.caller.account, str(key_id)
    await request.ports.identity.signing.security.note("api_key_ended", account, network=request.network, key=key)
    return no_content()


def _api_key(headers: Mapping[bytes, bytes], key: ApiKey) -> HttpResponse:
    return unpositioned_response(headers, key.version, api_key_response(key))
