"""Routes of one-time codes (TOTP, RFC 6238), the second step of signing in."""

from collections.abc import Sequence

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
AnyCode = matching(
    r"^([0-9]{6}|[A-Za-z0-9]{4}(-[A-Za-z0-9]{4}){3})$",
    "Use six digits, or a recovery code such as K7QF-2MXP-9RTW-H4ZD.",
    description="Each code works once.",
)


class StartTotpBody(Body):
    """The current password."""

    current_password: str = renamed("current_password", "password")


class ConfirmTotpBody(Body):
    """The code that the app shows."""

    code: str = Code


class ProveTotpBody(Body):
    """The current password, and the code that the app shows, or a recovery code."""

    current_password: str = renamed("current_password", "password")
    code: str = AnyCode


class RecoveryCodesResponse(Shape):
    """Shown only once. Each replaces one code of the app, once."""

    recovery_codes: list[str]


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
    RecoveryCodesResponse,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def confirm(request: RequestContext, body: ConfirmTotpBody) -> Response:
    """Confirm one-time codes with a first code. From then on, signing in requires a code.

    The answer has ten recovery codes, for the day on which the device is lost.
    """
    codes = await totp.confirm_totp(request.caller, body.code, request.network, request.ports.identity.signing)
    return _recovery_codes(codes)


@router.post(
    "/recovery-codes",
    "renew_recovery_codes",
    RecoveryCodesResponse,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def renew(request: RequestContext, body: ProveTotpBody) -> Response:
    """Renew the recovery codes. Those before are void."""
    signing = request.ports.identity.signing
    codes = await totp.renew_recovery_codes(request.caller, body.current_password, body.code, request.network, signing)
    return _recovery_codes(codes)


def _recovery_codes(codes: Sequence[str]) -> HttpResponse:
    return HttpResponse(200, to_json({"recovery_codes": codes}), {b"cache-control": PRIVATE})


@router.delete("", "stop_totp", needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True))
async def stop(request: RequestContext, body: ProveTotpBody) -> Response:
    """Turn one-time codes off. The password must have 15 characters then."""
    await totp.stop_totp(
        request.caller, body.current_password, body.code, request.network, request.ports.identity.signing
    )
    return no_content()
