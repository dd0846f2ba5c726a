"""Registration: whoever proves an e-mail address has an account. What is answered tells nothing of others."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json

from application.identity.email_verification import Means
from application.identity.email_verification import verify_email as prove
from interfaces.http.framework.fields import Body, Name, Shape, Zone
from interfaces.http.framework.rate_limit import take
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Route
from interfaces.http.people.customer import Email

router = APIRouter(prefix="/v1/auth", tags=["auth"], route_class=Route)
SENT = "If this address can be registered, a mail to it says how to go on."


def _sendable(value: str) -> str:
    """As mail servers take it; raises a validation error."""
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as wrong:
        raise PydanticCustomError("email", "{why}", {"why": str(wrong)}) from None


Mailbox = Annotated[Email, AfterValidator(_sendable)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, examples=["en"])]
Secret = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


class Registration(Body):
    """Who wants an account. The password has 15 to 256 characters."""

    email: Mailbox
    password: str
    name: Name
    role: Literal["customer", "provider"] = "customer"
    timezone: Zone | None = None
    language: Language | None = None


class Proof(Body):
    """The code in the mail."""

    token: Secret


class Told(Shape):
    """What happens next."""

    detail: str


class Proven(Shape):
    """Whose address it is from now on."""

    account_id: UUID


@router.post("/register", operation_id="register", status_code=202, response_model=Told)
async def register(ask: RequestContext, body: Registration) -> Response:
    """Ask for an account: a mail to the address says how to go on, whether it has one already or not."""
    headers = await take(ask, await ask.address_of(body.email))
    # The same work whoever has the address: one hash, one row. What differs is done after the answer.
    ask.ports.passwords.check(body.password, about=[body.email, body.name])
    password = await ask.ports.passwords.hash(body.password)
    await ask.ports.errands.ask("register", {**body.model_dump(), "password": password})
    return told(SENT, headers)


@router.post("/email/verify", operation_id="verify_email", response_model=Proven)
async def verify(ask: RequestContext, body: Proof) -> Response:
    """Prove an e-mail address by the code that was sent to it: of a registration, or of a changed address."""
    headers = await take(ask)
    means = Means(ask.ports.store, ask.ports.credentials, ask.ports.verifications, ask.ports.errands)
    done = await prove(body.token, means, ask.scope["request_id"])
    headers |= {b"daybook-position": b"%d" % done.position, b"cache-control": PRIVATE}
    return HttpResponse(200, to_json({"account_id": done.aggregate.account_id}), headers)


def told(detail: str, headers: Mapping[bytes, bytes]) -> HttpResponse:
    """202: what is left is done in a while."""
    return HttpResponse(202, to_json({"detail": detail}), {b"cache-control": PRIVATE, **headers})
