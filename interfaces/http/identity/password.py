"""Passwords: forgotten, set anew by a link that came by mail, and changed."""

from fastapi import APIRouter, Response
from pydantic import Field
from pydantic_core import to_json

from application.identity import password as passwords
from application.identity.session import subject
from interfaces.http.framework.fields import Body, Shape
from interfaces.http.framework.rate_limit import forgive, take
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Route
from interfaces.http.identity.session import done

router = APIRouter(prefix="/v1/auth/password", tags=["auth"], route_class=Route)
SENT = "If this address has an account, a mail to it says how to go on."


class ForgotBody(Body):
    """Whose password is forgotten."""

    email: str = Field(max_length=320)


class ResetBody(Body):
    """The code in the mail, and the new password: 15 to 256 characters."""

    ticket: str = Field(max_length=100)
    password: str


class PasswordChange(Body):
    """The present password, and the new one: 15 to 256 characters (8 beside one-time codes)."""

    old: str
    password: str


class Sent(Shape):
    """What happens next."""

    detail: str


@router.post("/forgot", operation_id="forgot_password", status_code=202, response_model=Sent)
async def forgot(ask: RequestContext, body: ForgotBody) -> Response:
    """Ask for a mail that lets its reader set a new password. The answer is the same for every address."""
    headers = await take(ask, await subject(body.email, ask.signing))
    await passwords.forgot_password(body.email, ask.network, ask.signing)
    return HttpResponse(202, to_json({"detail": SENT}), {b"cache-control": PRIVATE, **headers})


@router.post("/reset", operation_id="reset_password", status_code=204)
async def reset(ask: RequestContext, body: ResetBody) -> Response:
    """Set a new password by the code in the mail. All sessions end."""
    headers = await take(ask)
    await passwords.reset_password(body.ticket, body.password, ask.network, ask.signing)
    return done(headers)


@router.post("/change", operation_id="change_password", status_code=204)
async def change(ask: RequestContext, body: PasswordChange) -> Response:
    """Set a new password, knowing the present one. All other sessions end."""
    headers = await take(ask, ask.caller.account)
    await passwords.change_password(ask.caller, body.old, body.password, ask.network, ask.signing)
    await forgive(ask, ask.caller.account)
    return done(headers)
