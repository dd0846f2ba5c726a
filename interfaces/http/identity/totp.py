"""One-time codes beside the password (RFC 6238)."""

from fastapi import Response
from pydantic_core import to_json

from application.identity import totp
from interfaces.http.framework.fields import Body, Shape
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.rate_limit import RateLimited, by_account
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching
from interfaces.http.identity.session import no_content

router = Router("/v1/auth/totp", "auth", source=Source.ROWS, resources=False)
Code = matching(r"^[0-9]{6}$", "Must have six digits.", description="Each code works once.")


class StartTotpBody(Body):
    """The present password."""

    password: str


class ConfirmTotpBody(Body):
    """What the app shows."""

    code: str = Code


class StopTotpBody(Body):
    """The present password, and what the app shows."""

    password: str
    code: str = Code


class TotpSecretResponse(Shape):
    """Shown once. `uri`: what an app takes as a picture."""

    secret: str
    uri: str


@router.post(
    "",
    "start_totp",
    TotpSecretResponse,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def start(request: RequestContext, body: StartTotpBody) -> Response:
    """Get a secret for an app. It counts once a first code has confirmed it."""
    begun = await totp.start_totp(request.caller, body.password, request.network, request.ports.identity.signing)
    said = {"secret": begun.secret, "uri": begun.uri}
    return HttpResponse(200, to_json(said), {b"cache-control": PRIVATE})


@router.post(
    "/confirm",
    "confirm_totp",
    None,
    status=204,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def confirm(request: RequestContext, body: ConfirmTotpBody) -> Response:
    """Show that the app works: from now on, signing in needs a code."""
    await totp.confirm_totp(request.caller, body.code, request.network, request.ports.identity.signing)
    return no_content()


@router.delete("", "stop_totp", needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True))
async def stop(request: RequestContext, body: StopTotpBody) -> Response:
    """Need no code any more. The password must be long enough to stand alone."""
    await totp.stop_totp(request.caller, body.password, body.code, request.network, request.ports.identity.signing)
    return no_content()
