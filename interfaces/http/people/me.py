"""Me: the caller's own account."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from application.access import Role
from application.identity.password import prove
from application.people.account import FindAccount, find_account
from application.people.contact import ChangeContact, change_contact
from domain.errors import NotFound
from domain.people.account import Account
from domain.people.account_status import AccountStatus
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    Name,
    Resource,
    Zone,
    absent,
    plain,
)
from interfaces.http.framework.rate_limit import take
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse, seen, written
from interfaces.http.framework.routing import Route
from interfaces.http.people.registration import Language, Mailbox
from projections.read_models import account
from projections.read_models.account import CONTACT, ListedAccount

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=Route)


class Me(Body):
    """What people say of themselves. Another `email` counts once the code that is sent there proves it."""

    name: Name
    email: Mailbox
    timezone: Zone | None = None
    language: Language | None = None


class MeChange(Change, Me):
    """Only the fields given are changed; null clears an optional one. Another `email` needs the password."""

    name: Name = absent()
    email: Mailbox = absent()
    password: str = absent()


class AccountShown(Resource):
    """An account. What is personal is null once the person is forgotten."""

    role: Role
    standing: AccountStatus
    email: str | None
    name: str | None
    timezone: str | None
    language: str | None
    created_at: Instant
    forgetting_due: Instant | None


def shown(account: Account | ListedAccount) -> Mapping[str, Any]:
    """An account as answered."""
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
        return {name: account.contact.get(name) for name in CONTACT}
    return {name: getattr(account, name) for name in CONTACT}


async def show(ask: RequestContext, account_id: UUID) -> HttpResponse:
    """One account as the reader has it; raises NotFound."""
    async with ask.look("account") as read:
        row = await account.get(read, account_id)
    if row is None:
        raise NotFound("account", account_id)
    return seen(ask.given, row.version, shown(row), read.position)


@router.get("", operation_id="get_me", response_model=AccountShown)
async def get(ask: RequestContext) -> Response:
    """Show the caller's account."""
    return await show(ask, ask.caller.account)


@router.patch("", operation_id="change_me", response_model=AccountShown)
async def change(ask: RequestContext, body: MeChange) -> Response:
    """Change some of it. To another e-mail address goes a code, which /v1/auth/email/verify takes."""
    contact = body.model_dump(exclude_unset=True)
    email, password = contact.pop("email", None), contact.pop("password", "")
    moves = email is not None and await _is_another(ask, email)
    if moves:  # whoever has the address can set a new password: a stolen token is not enough for that
        await take(ask, ask.caller.account)
        await prove(ask.caller, password, ask.network, ask.signing)
    done = await change_contact(ChangeContact(**ask.command(), contact=contact), ask.ports.store)
    if moves:
        said = {"account_id": str(ask.caller.account), "email": email}
        await ask.ports.errands.ask("change_address", said)
    return written(done, shown)


async def _is_another(ask: RequestContext, email: str) -> bool:
    """Whether it is not the address that the caller has."""
    asked = FindAccount(**ask.query(), account_id=ask.caller.account)
    return await ask.address_of(email) != (await find_account(asked, ask.ports.store)).aggregate.address
