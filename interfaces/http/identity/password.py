"""Routes of passwords: reset by a code from a mail, and changed."""

from uuid import UUID

from fastapi import Response
from pydantic import Field

from application.identity import password as passwords
from application.identity.session import subject
from interfaces.http.framework.fields import Body, renamed
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.rate_limit import RateLimited, by_account
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.routing import Router
from interfaces.http.identity.mail_sent import MailSentResponse, mail_sent
from interfaces.http.identity.session import no_content

router = Router("/v1/auth/password", "auth", source=Source.ROWS, resources=False)
SENT = "If this address has an account, we have sent it a mail with the next step."


class RequestPasswordResetBody(Body):
    """The account's e-mail address."""

    email: str = Field(max_length=320)


class ResetPasswordBody(Body):
    """The code from the mail, and the new password of 15 to 256 characters."""

    code: str = renamed("code", "ticket", max_length=100)
    password: str


class ChangePasswordBody(Body):
    """The current password, and the new one of 15 to 256 characters (8 if one-time codes are on)."""

    current_password: str = renamed("current_password", "old")
    password: str


async def _by_address(request: RequestContext, body: RequestPasswordResetBody) -> UUID:
    return await subject(body.email, request.ports.identity.signing)


@router.post(
    "/forgot",
    "request_password_reset",
    MailSentResponse,
    status=202,
    needs=Needs(limit=RateLimited("forgot", _by_address)),
)
async def forgot(request: RequestContext, body: RequestPasswordResetBody) -> Response:
    """Request a mail with a code that sets a new password. The answer is the same for every address."""
    await passwords.request_password_reset(body.email, request.network, request.ports.identity.signing)
    return mail_sent(SENT)


@router.post("/reset", "reset_password", None, status=204, needs=Needs(limit=RateLimited("reset"), expires=True))
async def reset(request: RequestContext, body: ResetPasswordBody) -> Response:
    """Set a new password with the code from the mail. All sessions and API keys end."""
    await passwords.reset_password(body.code, body.password, request.network, request.ports.identity.signing)
    return no_content()


@router.post(
    "/change",
    "change_password",
    None,
    status=204,
    needs=Needs(limit=RateLimited("password", by_account, refunds=True), password=True),
)
async def change(request: RequestContext, body: ChangePasswordBody) -> Response:
    """Change the password. All other sessions end."""
    await passwords.change_password(
        request.caller, body.current_password, body.password, request.network, request.ports.identity.signing
    )
    return no_content()
