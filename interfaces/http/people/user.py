"""Users: everybody's accounts, for admins."""

from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from application.access import Role
from application.people.account import (
    ChangeAccount,
    RegisterAccount,
    change_account,
    register_account,
)
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.account_status import AccountContact, AccountStatus
from interfaces.http.framework.fields import Body, Change, Name, Paging, Shape, Zone, absent
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import ended, listed, written
from interfaces.http.framework.routing import Route
from interfaces.http.people.me import AccountShown, show, shown
from interfaces.http.people.registration import Language, Mailbox
from projections.read_models import account

router = APIRouter(prefix="/v1/users", tags=["users"], route_class=Route)
AnyRole = Literal[Role.CUSTOMER, Role.PROVIDER, Role.ADMIN, Role.AUDITOR, Role.ANALYST]


class UserBody(Body):
    """An account that an admin makes. A mail lets its owner set the password."""

    email: Mailbox
    name: Name
    role: AnyRole
    timezone: Zone | None = None
    language: Language | None = None


class UserChange(Change):
    """Only the fields given are changed."""

    role: AnyRole = absent()
    disabled: bool = absent()


class UserPage(Shape):
    items: list[AccountShown]
    next: str | None


class UserFilters(Paging):
    """Accounts by age. `q`: a part of the e-mail address or the name."""

    role: AnyRole | None = None
    standing: AccountStatus | None = None
    q: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00]*$")


def location(account: Account) -> str:
    return f"/v1/users/{account.account_id}"


@router.post("", operation_id="create_user", status_code=201, response_model=AccountShown)
async def create(ask: RequestContext, body: UserBody) -> Response:
    """Make an account; a mail lets its owner set the password."""
    command = RegisterAccount(
        **ask.command(),
        account_id=new_id(),
        role=Role(body.role),
        address=await ask.ports.store.address_id(body.email),
        contact=cast("AccountContact", body.model_dump(exclude={"role"})),
    )
    done = await register_account(command, ask.ports.store)
    # Also when it is answered again: who died in between has asked for no mail.
    await ask.ports.errands.ask("invite", {"account_id": str(done.aggregate.account_id)})
    return written(done, shown, location)


@router.get("", operation_id="list_users", response_model=UserPage)
async def find(ask: RequestContext, filters: Annotated[UserFilters, Query()]) -> Response:
    """List accounts."""
    narrow = filters.model_dump(include={"role", "standing", "q"})
    async with ask.look("account") as read:
        rows, bookmark = await account.find(read, page(ask, filters), **narrow)
    return listed([shown(row) for row in rows], sealed(ask, filters, bookmark), read.position)


@router.get("/{account_id}", operation_id="get_user", response_model=AccountShown)
async def get(ask: RequestContext, account_id: UUID) -> Response:
    """Show an account."""
    return await show(ask, account_id)


@router.patch("/{account_id}", operation_id="change_user", response_model=AccountShown)
async def change(ask: RequestContext, account_id: UUID, body: UserChange) -> Response:
    """Give another role, disable or enable. Nobody does this to themselves, and one active admin stays."""
    said = body.model_dump(exclude_unset=True)
    command = ChangeAccount(**ask.command(), account_id=account_id, **said)
    return written(await change_account(command, ask.ports.store), shown)


@router.delete("/{account_id}", operation_id="delete_user", status_code=204)
async def delete(ask: RequestContext, account_id: UUID) -> Response:
    """Disable an account: nobody signs in with it, history stays."""
    command = ChangeAccount(**ask.command(), account_id=account_id, disabled=True)
    return ended(await change_account(command, ask.ports.store))
