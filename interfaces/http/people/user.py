"""Routes of users: all accounts, for admins."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Query, Response

from application.access import Role
from application.ending import EndingKind
from application.event_log import CommandResult
from application.people.account import (
    ChangeAccount,
    RegisterAccount,
    change_account,
    register_account,
)
from domain.errors import Invalid
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.account_status import AccountContact, AccountStatus
from interfaces.http.booking.appointments_ahead import EndingQuery, EndingResponse, ended, upcoming
from interfaces.http.framework.details.contact import EmailAddress, Language, Phone
from interfaces.http.framework.fields import Body, Change, Name, Paging, Shape, Words, Zone, absent
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, page_response
from interfaces.http.framework.routing import Router
from interfaces.http.people.me import AccountResponse, account_response, find_account_response
from interfaces.http.vocabulary.enum_name import EnumName
from projections.read_models import account

router = Router("/v1/users", "users")
AnyRole = Annotated[
    Literal[Role.CUSTOMER, Role.PROVIDER, Role.ADMIN, Role.AUDITOR, Role.ANALYST], EnumName("AccountRole")
]


class CreateUserBody(Body):
    """A new account. A mail lets its owner set the password."""

    email: EmailAddress
    name: Name
    role: AnyRole
    timezone: Zone | None = None
    language: Language | None = None
    phone: Phone | None = None


class ChangeUserBody(Change):
    """Only the given fields change."""

    role: AnyRole = absent()
    disabled: bool = absent()


class UserPage(Shape):
    items: list[AccountResponse]
    next: str | None


class UserFilters(Paging):
    """Accounts, the oldest first. `q`: words of the e-mail address or the name."""

    role: AnyRole | None = None
    standing: AccountStatus | None = None
    q: Words | None = None


def location(account: Account) -> str:
    return f"/v1/users/{account.account_id}"


@router.post("", "create_user", AccountResponse, status=201)
async def create(request: RequestContext, body: CreateUserBody) -> Response:
    """Create a user. A mail lets them set the password."""
    command = RegisterAccount(
        **request.command(),
        account_id=new_id(),
        role=Role(body.role),
        address=await request.ports.store.address_id(body.email),
        contact=cast("AccountContact", body.model_dump(exclude={"role"})),
        invites=True,
    )
    return command_response(await register_account(command, request.ports.store), account_response, location)


@router.get("", "list_users", UserPage)
async def find(request: RequestContext, filters: Annotated[UserFilters, Query()]) -> Response:
    """List users."""
    narrow = filters.model_dump(include={"role", "standing", "q"})
    async with request.snapshot("account") as read:
        rows, bookmark = await account.find(read, page(request, filters), **narrow)
    return page_response(
        [account_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position
    )


@router.get("/{account_id}", "get_user", AccountResponse)
async def get(request: RequestContext, account_id: UUID) -> Response:
    """Get a user."""
    return await find_account_response(request, account_id)


@router.patch("/{account_id}", "change_user", AccountResponse)
async def change(
    request: RequestContext, account_id: UUID, body: ChangeUserBody, query: Annotated[EndingQuery, Query()]
) -> Response:
    """Change a user's role, disable or enable them. Not the caller's own; one active admin must remain.

    Disabling asks what becomes of upcoming appointments, as DELETE does.
    """
    said, choice = body.model_dump(exclude_unset=True), query.model_dump(exclude_unset=True)
    if said.get("disabled"):
        choice["ahead"] = len(await upcoming(request, EndingKind.ACCOUNT, account_id))
    elif choice:
        raise Invalid("Only with `disabled: true` appointments are cancelled or kept.", f"/{next(iter(choice))}")
    command = ChangeAccount(**request.command(), **choice, account_id=account_id, **said)
    return command_response(await change_account(command, request.ports.store), account_response)


@router.delete("/{account_id}", "delete_user", EndingResponse)
async def delete(request: RequestContext, account_id: UUID, query: Annotated[EndingQuery, Query()]) -> Response:
    """Disable a user. They cannot sign in; history stays. Says what becomes of appointments."""

    async def end(choice: Mapping[str, Any]) -> CommandResult[Any]:
        command = ChangeAccount(**request.command(), **choice, account_id=account_id, disabled=True)
        return await change_account(command, request.ports.store)

    return await ended(request, query, (EndingKind.ACCOUNT, account_id), end)
