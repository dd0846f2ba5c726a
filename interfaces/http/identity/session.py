"""Signing in: tokens for a password, new ones for a refresh token, and the devices that are signed in."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from pydantic_core import to_json

from application.identity import session as sessions
from application.identity.session import SignedIn, SignIn
from application.identity.sessions import Session
from interfaces.http.framework.fields import Body, Form, Instant, Shape, plain
from interfaces.http.framework.rate_limit import forgive, take
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Route

router = APIRouter(prefix="/v1/auth", tags=["auth"], route_class=Route)
Token = Field(max_length=100, description="As it was answered.")


class SignInForm(Form):
    """OAuth 2's password grant, or its refresh grant. `scope` and the client's names are not looked at."""

    grant_type: Literal["password", "refresh_token"]
    username: str = Field("", description="The e-mail address.")
    password: str = Field("", json_schema_extra={"format": "password"})
    totp: str | None = Field(None, max_length=20, description="The one-time code, if codes are in force.")
    refresh_token: str | None = Field(None, max_length=100)
    scope: str = ""
    client_id: str = ""
    client_secret: str = ""


class RefreshBody(Body):
    """Exchanged for new tokens; it can't be used again."""

    refresh_token: str = Token


class TokensShown(Shape):
    """Show the access token with each request; it is good for `expires_in` seconds."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str
    scope: str = Field(description="The account's role.")


class SessionShown(Shape):
    """A device that is signed in. `current`: the one that asks; `client`: what it said of itself."""

    id: UUID
    current: bool
    client: str
    created_at: Instant
    used_at: Instant
    expires_at: Instant


class SessionList(Shape):
    items: list[SessionShown]
    next: None


@router.post("/token", operation_id="sign_in", response_model=TokensShown)
async def token(ask: RequestContext, body: SignInForm) -> Response:
    """Sign in."""
    if body.grant_type == "refresh_token":
        if body.refresh_token is None:
            raise InvalidFields([{"pointer": "/refresh_token", "detail": "It is missing."}])
        return _tokens(await sessions.refresh(body.refresh_token, ask.network, ask.signing))
    if not body.username or not body.password:
        missing = "/password" if body.username else "/username"
        raise InvalidFields([{"pointer": missing, "detail": "It is missing."}])
    whose = await sessions.subject(body.username, ask.signing)
    headers = await take(ask, whose)
    said = SignIn(
        username=body.username,
        password=body.password,
        totp=body.totp,
        client=ask.client_text,
        network=ask.network,
    )
    signed = await sessions.sign_in(said, ask.signing)
    await forgive(ask, whose)
    return _tokens(signed, headers)


@router.post("/refresh", operation_id="refresh_session", response_model=TokensShown)
async def refresh(ask: RequestContext, body: RefreshBody) -> Response:
    """Exchange a refresh token for new tokens. One that was used before ends its session."""
    return _tokens(await sessions.refresh(body.refresh_token, ask.network, ask.signing))


@router.post("/logout", operation_id="sign_out", status_code=204)
async def logout(ask: RequestContext) -> Response:
    """End the session of this token; within a second, its tokens are void everywhere."""
    await sessions.sign_out(ask.caller, ask.network, ask.signing)
    return done()


@router.get("/sessions", operation_id="list_sessions", response_model=SessionList)
async def find(ask: RequestContext) -> Response:
    """List the devices that are signed in."""
    found = await ask.signing.sessions.of(ask.caller.account)
    items = [shown(each, ask.caller.session) for each in found]
    return HttpResponse(200, to_json({"items": items, "next": None}), {b"cache-control": PRIVATE})


@router.delete("/sessions/{session_id}", operation_id="end_session", status_code=204)
async def end(ask: RequestContext, session_id: UUID) -> Response:
    """Sign a device out."""
    await sessions.end_session(ask.caller, session_id, ask.network, ask.signing)
    return done()


@router.delete("/sessions", operation_id="end_other_sessions", status_code=204)
async def end_others(ask: RequestContext) -> Response:
    """Sign all devices out but this one."""
    await sessions.end_other_sessions(ask.caller, ask.network, ask.signing)
    return done()


def done(headers: Mapping[bytes, bytes] | None = None) -> HttpResponse:
    """204."""
    return HttpResponse(204, b"", {b"cache-control": PRIVATE, **(headers or {})})


def shown(session: Session, current: UUID | None) -> Mapping[str, Any]:
    """A session as answered."""
    return {
        "id": session.id,
        "current": session.id == current,
        "client": session.client,
        "created_at": plain(session.created_at),
        "used_at": plain(session.used_at),
        "expires_at": plain(session.expires_at),
    }


def _tokens(signed: SignedIn, headers: Mapping[bytes, bytes] | None = None) -> HttpResponse:
    said = {
        "access_token": signed.access.token,
        "token_type": "bearer",
        "expires_in": signed.access.expires_in,
        "refresh_token": signed.refresh,
        "scope": str(signed.role),
    }
    return HttpResponse(200, to_json(said), {b"cache-control": PRIVATE, **(headers or {})})
