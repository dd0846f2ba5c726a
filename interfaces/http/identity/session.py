"""Routes of signing in: tokens for a password or a refresh token, and the sessions of an account."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query as QueryParameters
from fastapi import Response
from pydantic import Field
from pydantic_core import to_json

from application.identity import session as sessions
from application.identity.api_key import MOST_KEYS
from application.identity.session import SignedIn, SignIn
from application.identity.sessions import Session
from interfaces.http.framework.fields import Body, EmptyBody, Form, Instant, Query, Shape, plain
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.rate_limit import RateLimited
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.identity.api_key_schemas import ApiKeyResponse, api_key_response
from interfaces.http.vocabulary.enum_name import EnumName

router = Router("/v1/auth", "auth", source=Source.ROWS, resources=False)
users = Router("/v1/users", "users", source=Source.ROWS, resources=False)
Token = Field(max_length=100, description="The token as it was answered.")


class SignInForm(Form):
    """OAuth 2's password grant or refresh grant. `scope`, `client_id` and `client_secret` are ignored."""

    grant_type: Annotated[Literal["password", "refresh_token"], EnumName("GrantType")]
    username: str = Field("", description="The e-mail address.")
    password: str = Field("", json_schema_extra={"format": "password"})
    totp: str | None = Field(
        None, max_length=20, description="The one-time code, if one-time codes are on, or a recovery code."
    )
    refresh_token: str | None = Field(None, max_length=100)
    scope: str = ""
    client_id: str = ""
    client_secret: str = ""


class RefreshSessionBody(Body):
    """The refresh token to exchange. It works once."""

    refresh_token: str = Token


class TokensResponse(Shape):
    """Send the access token with each request. It is valid for `expires_in` seconds."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str
    scope: str = Field(description="The account's role.")


class SessionResponse(Shape):
    """A device that is signed in. `current`: the caller's own; `client`: its User-Agent."""

    id: UUID
    current: bool
    client: str
    created_at: Instant
    used_at: Instant
    expires_at: Instant


class SessionList(Shape):
    """`api_keys`: the programs that act for the caller, beside the devices in `items`."""

    items: list[SessionResponse]
    api_keys: list[ApiKeyResponse]
    next: None


class EndSessionsQuery(Query):
    """`api_keys`: whether all API keys end too."""

    api_keys: bool = False


async def _by_username(request: RequestContext, body: SignInForm) -> UUID | None:
    """Count passwords. The refresh grant is counted as at /refresh; a form without a password is not counted."""
    if body.grant_type == "refresh_token" or not body.username or not body.password:
        return None
    return await sessions.subject(body.username, request.ports.identity.signing)


async def _by_token(request: RequestContext, body: RefreshSessionBody) -> str:  # noqa: ARG001
    """Count by the token itself, which is as good as a name of the session."""
    return body.refresh_token


@router.post("/token", "sign_in", TokensResponse, needs=Needs(limit=RateLimited("login", _by_username, refunds=True)))
async def token(request: RequestContext, body: SignInForm) -> Response:
    """Sign in. Answers an access token and a refresh token."""
    if body.grant_type == "refresh_token":
        if body.refresh_token is None:
            raise InvalidFields([{"pointer": "/refresh_token", "detail": "Required."}])
        await request.ports.abuse.limits.take("refresh", request.network, body.refresh_token)
        return _tokens(await sessions.refresh(body.refresh_token, request.network, request.ports.identity.signing))
    if not body.username or not body.password:
        missing = "/password" if body.username else "/username"
        raise InvalidFields([{"pointer": missing, "detail": "Required."}])
    attempt = SignIn(
        username=body.username,
        password=body.password,
        totp=body.totp,
        client=request.client_text,
        network=request.network,
    )
    return _tokens(await sessions.sign_in(attempt, request.ports.identity.signing))


@router.post("/refresh", "refresh_session", TokensResponse, needs=Needs(limit=RateLimited("refresh", _by_token)))
async def refresh(request: RequestContext, body: RefreshSessionBody) -> Response:
    """Exchange a refresh token for new tokens. A token that was used before ends its session.

    For ten seconds, and until the new refresh token is used, the same token is answered with the same new one.
    """
    return _tokens(await sessions.refresh(body.refresh_token, request.network, request.ports.identity.signing))


@router.post("/logout", "sign_out", None, status=204)
async def logout(request: RequestContext) -> Response:
    """Sign out. Within a second, the session's tokens are refused everywhere."""
    await sessions.sign_out(request.caller, request.network, request.ports.identity.signing)
    return no_content()


@router.get("/sessions", "list_sessions", SessionList)
async def find(request: RequestContext) -> Response:
    """List the devices that are signed in, and the API keys."""
    signing, account = request.ports.identity.signing, request.caller.account
    items = [session_response(each, request.caller.session) for each in await signing.sessions.of(account)]
    keys = [api_key_response(each) for each in await signing.keys.find(account, limit=MOST_KEYS)]
    return HttpResponse(200, to_json({"items": items, "api_keys": keys, "next": None}), {b"cache-control": PRIVATE})


@router.delete("/sessions/{session_id}", "end_session")
async def end(request: RequestContext, session_id: UUID) -> Response:
    """End a session: sign a device out."""
    await sessions.end_session(request.caller, session_id, request.network, request.ports.identity.signing)
    return no_content()


@router.delete("/sessions", "end_other_sessions")
async def end_others(request: RequestContext, filters: Annotated[EndSessionsQuery, QueryParameters()]) -> Response:
    """End all other sessions, and on request all API keys: sign all other devices and programs out."""
    await sessions.end_other_sessions(
        request.caller, request.network, request.ports.identity.signing, api_keys=filters.api_keys
    )
    return no_content()


@users.post("/{account_id}/end-sessions", "end_user_sessions", None, status=204)
async def end_of_user(request: RequestContext, account_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """End all sessions and API keys of a user."""
    await sessions.end_user_sessions(request.caller, account_id, request.network, request.ports.identity.signing)
    return no_content()


def no_content() -> HttpResponse:
    """204, for routes without a log position."""
    return HttpResponse(204, b"", {b"cache-control": PRIVATE})


def session_response(session: Session, current: UUID | None) -> Mapping[str, Any]:
    """A session as JSON."""
    return {
        "id": session.id,
        "current": session.id == current,
        "client": session.client,
        "created_at": plain(session.created_at),
        "used_at": plain(session.used_at),
        "expires_at": plain(session.expires_at),
    }


def _tokens(signed: SignedIn) -> HttpResponse:
    attempt = {
        "access_token": signed.access.token,
        "token_type": "bearer",
        "expires_in": signed.access.expires_in,
        "refresh_token": signed.refresh,
        "scope": str(signed.role),
    }
    return HttpResponse(200, to_json(attempt), {b"cache-control": PRIVATE})
