"""Bodies, filters and answers about organizations, members and holidays."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field

from domain.catalog.organization import Organization, Rank
from domain.catalog.organization_profile import DEFAULTS
from interfaces.http.framework.details.contact import EmailAddress, Phone
from interfaces.http.framework.details.external import ExternalId, Metadata
from interfaces.http.framework.fields import (
    Body,
    Change,
    Currency,
    Line,
    Name,
    Paging,
    Resource,
    Shape,
    Text,
    Words,
    Zone,
    absent,
)
from interfaces.http.scheduling.orphan_schemas import HoursBody
from projections.read_models.organization import ListedHoliday, ListedMember, ListedOrganization


class ReplaceOrganizationBody(Body):
    """A business. All fields are public."""

    name: Name
    timezone: Zone | None = None
    bio: Text | None = None
    address: Line | None = None
    phone: Phone | None = None
    email: EmailAddress | None = None
    currency: Currency | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class CreateOrganizationBody(ReplaceOrganizationBody):
    """`owner_id`: only an admin may name another account."""

    owner_id: UUID | None = None


class ChangeOrganizationBody(Change, ReplaceOrganizationBody):
    """Only the given fields change; null clears an optional one."""

    name: Name = absent()
    metadata: Metadata = absent()


class OrganizationResponse(Resource):
    """A business, unless `closed`."""

    name: str
    timezone: str | None
    bio: str | None
    address: str | None
    phone: str | None
    email: str | None
    currency: str | None
    external_id: str | None
    metadata: dict[str, str]
    closed: bool


class OrganizationPage(Shape):
    items: list[OrganizationResponse]
    next: str | None


class OrganizationFilters(Paging):
    """Organizations in the order of their names."""

    q: Words | None = None
    member_id: UUID | None = Field(
        None, description="Only organizations that this account belongs to: the caller's own account, or a colleague's."
    )


class ChangeMemberBody(Body):
    """The member's new rank."""

    rank: Rank


class AddMemberBody(Body):
    """An account that acts for the organization's providers."""

    account_id: UUID
    rank: Rank = Rank.STAFF


class MemberResponse(Resource):
    """A member. `id`: the account's; `version`: the organization's. The answer to a write has no name."""

    account_id: UUID
    rank: Rank
    name: str = absent()


class MemberPage(Shape):
    items: list[MemberResponse]
    next: str | None


class MemberFilters(Paging):
    """All members."""


class ReplaceHolidayBody(HoursBody):
    """The holiday's name, and what becomes of the appointments on its date."""

    name: Name


class HolidayResponse(Shape):
    """A date on which the organization's providers are closed. `version`: the organization's."""

    date: date
    name: str
    version: int


class HolidayPage(Shape):
    items: list[HolidayResponse]
    next: str | None


class HolidayFilters(Paging):
    """All holidays, the earliest first."""


def profile(body: ReplaceOrganizationBody, *, partly: bool = False) -> dict[str, Any]:
    """The fields of a profile; `partly`: only the given ones."""
    return body.model_dump(mode="json", exclude={"owner_id"}, exclude_unset=partly)


def organization_response(organization: Organization | ListedOrganization) -> Mapping[str, Any]:
    """An organization as JSON."""
    profile: Mapping[str, Any] = {**DEFAULTS, **organization.profile}
    return {
        "id": organization.id,
        "version": organization.version,
        **{name: profile[name] for name in ReplaceOrganizationBody.model_fields},
        "closed": organization.closed,
    }


def member_response(member: ListedMember, version: int, names: Mapping[UUID, str] | None = None) -> Mapping[str, Any]:
    """A member as JSON. `names`: of accounts; one that is missing is empty."""
    named = {} if names is None else {"name": names.get(member.account_id, "")}
    return {"id": member.account_id, "version": version, "account_id": member.account_id, "rank": member.rank, **named}


def holiday_response(holiday: ListedHoliday, version: int) -> Mapping[str, Any]:
    """A holiday as JSON."""
    return {"date": holiday.date, "name": holiday.name, "version": version}
