"""Routes of one-time codes (TOTP, RFC 6238), the second step of signing in."""

from fastapi import Response
from pydantic_core import to_json

from application.identity import totp
from interfaces.http.framework.fields import Body, Shape, renamed
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
    """The current password."""

    current_password: str = renamed("current_password", "password")


class ConfirmTotpBody(Body):
    """The code that the app shows."""

    code: str = Code


class StopTotpBody(Body):
    """The current password, and the code that the app shows."""

    current_password: str = renamed("current_password", "password")
    code: str = Code


class TotpSecretResponse(Shape):
    """Shown only once. `uri`: for the QR code that an app scans."""

    secret: str
    uri: str


@router.post(
    "",
    "start_totp",
    TotpSecretResponse,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def start(request: RequestContext, body: StartTotpBody) -> Response:
    """Start the set-up of one-time codes. The answer is the secret for an app; a first code confirms it."""
    started = await totp.start_totp(
        request.caller, body.current_password, request.network, request.ports.identity.signing
    )
    content = {"secret": started.secret, "uri": started.uri}
    return HttpResponse(200, to_json(content), {b"cache-control": PRIVATE})


@router.post(
    "/confirm",
    "confirm_totp",
    None,
    status=204,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def confirm(request: RequestContext, body: ConfirmTotpBody) -> Response:
    """Confirm one-time codes with a first code. From then on, signing in requires a code."""
    await totp.confirm_totp(request.caller, body.code, request.network, request.ports.identity.signing)
    return no_content()


@router.delete("", "stop_totp", needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True))
async def stop(request: RequestContext, body: StopTotpBody) -> Response:
    """Turn one-time codes off. The password must have 15 characters then."""
    await totp.stop_totp(
        request.caller, body.current_password, body.code, request.network, request.ports.identity.signing
    )
    return no_content()
