"""Registration: whoever proves an e-mail address has an account. What is answered tells nothing of others."""

from typing import Annotated, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from fastapi import Response
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError, to_json

from application.identity.email_verification import Means
from application.identity.email_verification import verify_email as prove
from interfaces.http.framework.fields import Body, Name, Shape, Zone
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.rate_limit import RateLimited
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching
from interfaces.http.identity.mail_sent import MailSentResponse, mail_sent
from interfaces.http.people.customer import Email

router = Router("/v1/auth", "auth", source=Source.ROWS, resources=False)
SENT = "If this address can be registered, a mail to it says how to go on."


def _sendable(value: str) -> str:
    """As mail servers take it; raises a validation error."""
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "Not an e-mail address that mail servers accept.") from None


Mailbox = Annotated[Email, AfterValidator(_sendable)]
Language = Annotated[
    str,
    matching(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        "Use a language tag such as en or en-GB.",
        max_length=35,
        examples=["en"],
    ),
]
Secret = Annotated[str, matching(r"^[A-Za-z0-9_-]{43}$", "Not a code from a Daybook mail.")]


class RegisterAccountBody(Body):
    """Who wants an account. The password has 15 to 256 characters."""

    email: Mailbox
    password: str
    name: Name
    role: Literal["customer", "provider"] = "customer"
    timezone: Zone | None = None
    language: Language | None = None


class VerifyEmailBody(Body):
    """The code in the mail."""

    token: Secret


class VerifiedEmailResponse(Shape):
    """Whose address it is from now on."""

    account_id: UUID


async def _by_address(request: RequestContext, body: RegisterAccountBody) -> UUID | None:
    return await request.address_of(body.email)


@router.post(
    "/register",
    "register_account",
    MailSentResponse,
    status=202,
    needs=Needs(limit=RateLimited("register", _by_address)),
)
async def register(request: RequestContext, body: RegisterAccountBody) -> Response:
    """Ask for an account: a mail to the address says how to go on, whether it has one already or not."""
    # The same work whoever has the address: one hash, one row. What differs is done after the answer.
    request.ports.identity.signing.passwords.check(body.password, about=[body.email, body.name])
    password = await request.ports.identity.signing.passwords.hash(body.password)
    await request.ports.errands.ask("register", {**body.model_dump(), "password": password})
    return mail_sent(SENT)


@router.post(
    "/email/verify", "verify_email", VerifiedEmailResponse, needs=Needs(limit=RateLimited("verify"), expires=True)
)
async def verify(request: RequestContext, body: VerifyEmailBody) -> Response:
    """Prove an e-mail address by the code that was sent to it: of a registration, or of a changed address."""
    means = Means(
        request.ports.store,
        request.ports.identity.signing.credentials,
        request.ports.identity.verifications,
        request.ports.errands,
    )
    done = await prove(body.token, means, request.scope["request_id"])
    headers = {b"daybook-position": b"%d" % done.position, b"cache-control": PRIVATE}
    return HttpResponse(200, to_json({"account_id": done.aggregate.account_id}), headers)
