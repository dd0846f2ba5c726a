"""Routes of API keys: programs act with them for the account that made them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json

from application.access import ACCESS, BY_PEOPLE
from application.identity.api_key import ApiKey
from application.identity.api_key_creation import CreateApiKey, create_api_key
from interfaces.http.framework.fields import Body, Instant, Name, Paging, Shape
from interfaces.http.framework.headers.etags import etag
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.rate_limit import RateLimited, by_account
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse, unpositioned_response
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import did_you_mean
from interfaces.http.identity.api_key_schemas import ApiKeyResponse, api_key_response
from interfaces.http.identity.session import no_content

router = Router("/v1/api-keys", "api-keys", source=Source.ROWS)
LIFETIME = timedelta(days=90)
"""Of keys whose creator does not say how long they live."""


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
    """`scopes`: "read", "write", or operationIds.

    Without `expires_at` the key expires after 90 days; with null it does not expire. `code`: the one-time code, if
    one-time codes are on.
    """

    name: Name
    scopes: Scopes
    current_password: str
    code: str | None = Field(None, max_length=20)
    expires_at: Instant | None = None


class ChangeApiKeyBody(Body):
    """The key's new name."""

    name: Name


class ApiKeyWithSecretResponse(ApiKeyResponse):
    """`secret` is sent as a Bearer token. It is shown only once."""

    secret: str


class ApiKeyPage(Shape):
    items: list[ApiKeyResponse]
    next: str | None


class ApiKeyFilters(Paging):
    """The caller's API keys, the oldest first."""


@router.post(
    "",
    "create_api_key",
    ApiKeyWithSecretResponse,
    status=201,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), shows_secret=True, password=True),
)
async def create(request: RequestContext, body: CreateApiKeyBody) -> Response:
    """Create an API key. It may do what both its scopes and the caller's permissions allow."""
    now = request.ports.store.now()
    if body.expires_at is not None and body.expires_at <= now:
        raise InvalidFields([{"pointer": "/expires_at", "detail": "Must lie in the future."}])
    command = CreateApiKey(
        by=request.caller,
        password=body.current_password,
        code=body.code,
        name=body.name,
        scopes=list(dict.fromkeys(body.scopes)),
        expires_at=body.expires_at if "expires_at" in body.model_fields_set else now + LIFETIME,
        network=request.network,
    )
    made, secret = await create_api_key(command, request.ports.identity.signing)
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
