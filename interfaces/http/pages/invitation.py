"""The page of an invitation to an organization: the person accepts it, with or without an account, or declines it."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.routing import BaseRoute

from application.access import Role
from application.catalog.invitation import ChangeInvitation, accept_invitation, decline_invitation
from application.catalog.organization import RoleCannotJoin
from application.identity.account_mail import RESET
from application.notifications.invited_person import InvitedPerson, invited_person
from application.people.account import RegisterAccount, register_account
from interfaces.http.framework.fields import Name
from interfaces.http.pages.page import PageRequest, PageView, page, refused

PATH = "/invitations/{id:uuid}"
_NAME: TypeAdapter[str] = TypeAdapter(Name)


async def show(asked: PageRequest) -> PageView:
    return _view(asked, await _invited(asked))


async def accept(asked: PageRequest) -> PageView:
    """Join; somebody without an account gets one, and goes on to choose its password."""
    person = await _invited(asked)
    try:
        if person.account is None:
            await _register(asked, person)
        await accept_invitation(_command(asked, person, "accept_invitation"), asked.ports.store)
    except ValidationError:
        return _view(asked, person, ("name-missing", 422))
    except RoleCannotJoin as error:
        return _view(asked, person, refused(error))
    return await _joined(asked, person)


async def decline(asked: PageRequest) -> PageView:
    person = await _invited(asked)
    await decline_invitation(_command(asked, person, "decline_invitation"), asked.ports.store)
    return _view(asked, person, done="declined-invitation")


ROUTES: Sequence[BaseRoute] = (
    page("GET", PATH, show),
    page("POST", PATH + "/accept", accept),
    page("POST", PATH + "/decline", decline),
)


async def _invited(asked: PageRequest) -> InvitedPerson:
    person = await invited_person(asked.capability(), asked.pages.links, asked.ports.store)
    asked.request.scope["caller"] = person.holder.caller
    return person


async def _register(asked: PageRequest, person: InvitedPerson) -> None:
    """Make the account of the address, which the link has proved. Raises ValidationError for a bad name."""
    common = asked.command(person.holder, "accept_invitation") | {"key": None, "version": None}
    command = RegisterAccount(
        **common,
        account_id=person.holder.caller.account,
        role=Role.PROVIDER,
        address=person.invitation.address,
        contact={
            "email": person.holder.recipient.email or "",
            "name": _NAME.validate_python(asked.form.get("name", "")),
            "timezone": person.organization.profile["timezone"],
            "language": asked.language,
        },
    )
    await register_account(command, asked.ports.store)


async def _joined(asked: PageRequest, person: InvitedPerson) -> PageView:
    account_id = person.holder.caller.account
    signing = asked.ports.identity.signing
    if await signing.credentials.get(account_id) is None:
        return PageView("reset", {"code": await signing.tickets.issue(account_id, "reset", RESET)}, done="joined")
    return _view(asked, person, done="joined")


def _command(asked: PageRequest, person: InvitedPerson, operation: str) -> ChangeInvitation:
    said = asked.command(person.holder, operation, str(person.invitation_id))
    return ChangeInvitation(**said, organization_id=asked.subject, invitation_id=person.invitation_id)


def _view(asked: PageRequest, person: InvitedPerson, why: tuple[str, int] | None = None, done: str = "") -> PageView:
    account, recipient = person.account, person.holder.recipient
    fields: dict[str, Any] = {
        "id": asked.subject,
        "page": asked.link_fields(person.invitation.version),
        "organization": person.organization.profile["name"],
        "rank": person.invitation.rank.value,
        "email": recipient.email,
        "until": person.invitation.expires_at,
        "new": account is None,
        "customer": account is not None and account.role == Role.CUSTOMER,
    }
    zone = person.organization.profile["timezone"] or ""
    return PageView("invitation", fields, 200 if why is None else why[1], done, why, recipient.language, zone)
