"""Routes of registration. The answers do not reveal whether an address has an account."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json

from application.identity.email_verification import VerificationServices, ask_registration
from application.identity.email_verification import verify_email as prove
from interfaces.http.framework.details.contact import EmailAddress, Language
from interfaces.http.framework.fields import Body, Name, Shape, Zone, renamed
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.rate_limit import RateLimited
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching
from interfaces.http.identity.mail_sent import MailSentResponse, mail_sent
from interfaces.http.vocabulary.enum_name import EnumName

router = Router("/v1/auth", "auth", source=Source.ROWS, resources=False)
SENT = "If this address can be registered, we have sent it a mail with the next step."


Secret = Annotated[str, matching(r"^[A-Za-z0-9_-]{43}$", "Not a code from a Daybook mail.")]


class RegisterAccountBody(Body):
    """The new account. The password must have 15 to 256 characters."""

    email: EmailAddress
    password: str
    name: Name
    role: Annotated[Literal["customer", "provider"], EnumName("RegistrationRole")] = "customer"
    timezone: Zone | None = None
    language: Language | None = None


class VerifyEmailBody(Body):
    """The code from the mail."""

    code: Secret = renamed("code", "token")


class VerifiedEmailResponse(Shape):
    """The account that the address belongs to."""

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
    """Register an account. The address gets a mail with the next step, whether it has an account already or not."""
    # One hash and one row, whether or not the address has an account: a job does what differs.
    request.ports.identity.signing.passwords.check(body.password, about=[body.email, body.name])
    password = await request.ports.identity.signing.passwords.hash(body.password)
    said = {**body.model_dump(), "password": password}
    await ask_registration(
        said, request.network, request.ports.store, request.ports.jobs.enqueuer, request.scope["request_id"]
    )
    return mail_sent(SENT)


@router.post(
    "/email/verify", "verify_email", VerifiedEmailResponse, needs=Needs(limit=RateLimited("verify"), expires=True)
)
async def verify(request: RequestContext, body: VerifyEmailBody) -> Response:
    """Verify an e-mail address with the code from the mail. It confirms a registration or a changed address."""
    identity, store = request.ports.identity, request.ports.store
    services = VerificationServices(
        store, identity.signing.credentials, identity.verifications, identity.signing.atomically
    )
    done = await prove(body.code, services, request.scope["request_id"])
    account_id = done.aggregate.account_id
    request.note_write(account_id, done.position)
    return HttpResponse(200, to_json({"account_id": account_id}), {b"cache-control": PRIVATE}, position=done.position)
