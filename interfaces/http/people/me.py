"""Routes of the caller's own account."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Response

from application.access import Role
from application.identity.password import prove
from application.people.account import FindAccount, find_account
from application.people.contact import ChangeContact, change_contact
from domain.errors import NotFound
from domain.people.account import Account
from domain.people.account_status import NOTIFICATIONS, AccountStatus
from interfaces.http.framework.details.contact import EmailAddress, Language, Phone
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    Name,
    Resource,
    Shape,
    Zone,
    absent,
    plain,
    renamed,
)
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.rate_limit import RateLimited
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse, command_response, resource_response
from interfaces.http.framework.routing import Router
from projections.read_models import account
from projections.read_models.account import CONTACT, ListedAccount, wanted

router = Router("/v1/me", "me")


class ChangeMeBase(Body):
    """A person's details. Another `email` takes effect once the code that is sent there proves it."""

    name: Name
    email: EmailAddress
    timezone: Zone | None = None
    language: Language | None = None
    phone: Phone | None = None


class ChangeNotificationsBody(Body):
    """Whether to mail you when somebody else books, moves or cancels an appointment with one of your providers.

    `agenda`: a mail each morning with the appointments of the day. `team`: the same mails about all providers of your
    organizations, and requests to answer.
    """

    booked: bool = absent()
    moved: bool = absent()
    cancelled: bool = absent()
    agenda: bool = absent()
    team: bool = absent()


class NotificationsResponse(Shape):
    """Whether a mail goes out when somebody else books, moves or cancels an appointment with one's providers.

    `agenda`: each morning, with the appointments of the day. `team`: about all providers of one's organizations, too.
    """

    booked: bool
    moved: bool
    cancelled: bool
    agenda: bool
    team: bool


class ChangeMeBody(Change, ChangeMeBase):
    """Only the given fields change; null clears an optional one. Another `email` requires `current_password`.

    `reminders`: false switches off reminders and the offers of the waitlist. `notifications`: which changes of your
    providers' appointments you get a mail about; kinds that are left out stay as they are.
    """

    name: Name = absent()
    email: EmailAddress = absent()
    reminders: bool = absent()
    notifications: ChangeNotificationsBody = absent()
    current_password: str = renamed("current_password", "password", default_factory=lambda: None)


class AccountResponse(Resource):
    """An account. Personal fields are null once the person is erased.

    `reminders`: whether its holder gets reminders, and offers of the waitlist. `notifications`: the changes of their
    providers' appointments that they get a mail about.
    """

    role: Role
    standing: AccountStatus
    email: str | None
    name: str | None
    timezone: str | None
    language: str | None
    phone: str | None
    reminders: bool
    notifications: NotificationsResponse
    created_at: Instant
    forgetting_due: Instant | None


def account_response(account: Account | ListedAccount) -> Mapping[str, Any]:
    """An account as JSON."""
    due = account.forgetting_due
    return {
        "id": account.account_id if isinstance(account, Account) else account.id,
        "version": account.version,
        "role": account.role,
        "standing": account.status if isinstance(account, Account) else account.standing,
        **_contact(account),
        "created_at": plain(account.created_at),
        "forgetting_due": due and plain(due),
    }


def _contact(account: Account | ListedAccount) -> Mapping[str, Any]:
    if isinstance(account, Account):
        return {name: account.contact.get(name) for name in CONTACT} | wanted(account.contact)
    chosen = {**dict.fromkeys(NOTIFICATIONS, False), **account.notifications}  # rows of before a setting was there
    return {name: getattr(account, name) for name in (*CONTACT, "reminders")} | {"notifications": chosen}


async def find_account_response(request: RequestContext, account_id: UUID) -> HttpResponse:
    """The answer about one account, from the read model; raises NotFound."""
    async with request.snapshot("account") as read:
        row = await account.get(read, account_id)
    if row is None:
        raise NotFound("account", account_id)
    request.shows(account_id)
    return resource_response(request.sent, row.version, account_response(row), read.position)


@router.get("", "get_me", AccountResponse, needs=Needs(finds=True))
async def get(request: RequestContext) -> Response:
    """Get the caller's account."""
    return await find_account_response(request, request.caller.account)


async def _moving_account(request: RequestContext, body: ChangeMeBody) -> UUID | None:
    """Count changes to another address alone."""
    moves = "email" in body.model_fields_set and await _is_another(request, body.email)
    return request.caller.account if moves else None


@router.patch(
    "", "change_me", AccountResponse, needs=Needs(limit=RateLimited("address", _moving_account), password=True)
)
async def change(request: RequestContext, body: ChangeMeBody) -> Response:
    """Change the caller's account. A code is sent to another e-mail address; POST it to /v1/auth/email/verify."""
    contact = body.model_dump(exclude_unset=True)
    email, password = contact.pop("email", None), contact.pop("current_password", "")
    moving = {}
    if email is not None and await _is_another(request, email):
        # The address can set a new password, so that a stolen token must not be enough to change it.
        proven = await prove(request.caller, password, request.network, request.ports.identity.signing)
        moving = {"email": email, "credential": proven.version, "network": request.network}
    command = ChangeContact(**request.command(), contact=contact, **moving)
    return command_response(await change_contact(command, request.ports.store), account_response)


async def _is_another(request: RequestContext, email: str) -> bool:
    """Whether the address differs from the caller's."""
    asked = FindAccount(by=request.caller, account_id=request.caller.account)
    return await request.address_of(email) != (await find_account(asked, request.ports.store)).aggregate.address
