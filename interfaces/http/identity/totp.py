"""One-time codes beside the password (RFC 6238)."""

from fastapi import APIRouter, Response
from pydantic import Field
from pydantic_core import to_json

from application.identity import totp
from interfaces.http.framework.fields import Body, Shape
from interfaces.http.framework.rate_limit import forgive, take
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Route
from interfaces.http.identity.session import done

router = APIRouter(prefix="/v1/auth/totp", tags=["auth"], route_class=Route)
Code = Field(pattern=r"^[0-9]{6}$", description="Each is taken once.")


class PasswordAgain(Body):
    """The present password."""

    password: str


class CodeBody(Body):
    """What the app shows."""

    code: str = Code


class CodesEnd(Body):
    """The present password, and what the app shows."""

    password: str
    code: str = Code


class TotpSecret(Shape):
    """Shown once. `uri`: what an app takes as a picture."""

    secret: str
    uri: str


@router.post("", operation_id="start_totp", response_model=TotpSecret)
async def start(ask: RequestContext, body: PasswordAgain) -> Response:
    """Get a secret for an app. It counts once a first code has confirmed it."""
    headers = await take(ask, ask.caller.account)
    begun = await totp.start_totp(ask.caller, body.password, ask.network, ask.signing)
    await forgive(ask, ask.caller.account)
    said = {"secret": begun.secret, "uri": begun.uri}
    return HttpResponse(200, to_json(said), {b"cache-control": PRIVATE, **headers})


@router.post("/confirm", operation_id="confirm_totp", status_code=204)
async def confirm(ask: RequestContext, body: CodeBody) -> Response:
    """Show that the app works: from now on, signing in needs a code."""
    headers = await take(ask, ask.caller.account)
    await totp.confirm_totp(ask.caller, body.code, ask.network, ask.signing)
    await forgive(ask, ask.caller.account)
    return done(headers)


@router.delete("", operation_id="stop_totp", status_code=204)
async def stop(ask: RequestContext, body: CodesEnd) -> Response:
    """Need no code any more. The password must be long enough to stand alone."""
    headers = await take(ask, ask.caller.account)
    await totp.stop_totp(ask.caller, body.password, body.code, ask.network, ask.signing)
    await forgive(ask, ask.caller.account)
    return done(headers)
