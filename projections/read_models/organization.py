"""Organizations: members, open invitations and holidays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Index, Select, Table, Text, select

from domain.catalog.invitation import Invitations
from domain.catalog.organization import Organization, Rank
from domain.catalog.organization_profile import OrganizationProfile
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, sort_key, uuid
from projections.query import text
from projections.query.ownership import AccountId, Owner, Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models import membership

_organization = Table(
    "organization",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    sort_key("sort_key"),
    Column("folded", Text, nullable=False),  # the name, to find by
    json("profile"),
    Column("closed", Boolean, nullable=False),
    Index("organization_name", "sort_key", "id"),
)

_member = membership.members("organization")

_invitation = Table(
    "organization_invitation",
    metadata,
    uuid("id", primary_key=True),
    uuid("organization_id", index=True),
    Column("version", BigInteger, nullable=False),
    Column("rank", Text, nullable=False),
    Column("email", Text),
    uuid("invited_by"),
    instant("invited_at"),
    instant("expires_at"),
)


def _manages(account: AccountId) -> ColumnElement[bool]:
    """An invitation is shown to those who may send one."""
    ranks = (Rank.OWNER.value, Rank.MANAGER.value)
    managed = select(_member.c.organization_id).where(_member.c.account_id == account, _member.c.rank.in_(ranks))
    return _invitation.c.organization_id.in_(managed)


invitation_ownership = Ownership(table=_invitation, also=_manages)

_holiday = Table(
    "organization_holiday",
    metadata,
    uuid("organization_id", primary_key=True),
    Column("date", Text, primary_key=True),
    Column("name", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ListedOrganization:
    """An organization; `profile` as in the domain."""

    id: UUID
    version: int
    profile: dict[str, Any]
    closed: bool


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A member of an organization; `rank`: owner, manager or staff."""

    account_id: UUID
    rank: str


@dataclass(frozen=True, slots=True)
class ListedInvitation:
    """An open invitation. `email`: None once it is over."""

    id: UUID
    organization_id: UUID
    version: int
    rank: str
    email: str | None
    invited_by: UUID
    invited_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ListedHoliday:
    """`date`: YYYY-MM-DD."""

    date: str
    name: str


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id = recorded.event, {"id": recorded.stream}
    if isinstance(event, Invitations.Event):
        _project_invitation(event, rows)
    if not isinstance(event, Organization.Event):
        return
    membership.project(_member, recorded, rows)
    of = {"organization_id": recorded.stream}
    match event:
        case Organization.Founded():
            rows.put(_organization, **id, **_profile(event.profile), version=recorded.version, closed=False)
            return
        case Organization.Changed():
            rows.set(_organization, id, **_profile(event.profile))
        case Organization.Closed():
            rows.set(_organization, id, closed=True)
        case Organization.HolidaySet():
            rows.put(_holiday, **of, date=event.date, name=event.name)
        case Organization.HolidayLifted():
            rows.drop(_holiday, {**of, "date": event.date})
        case _:
            pass
    rows.set(_organization, id, version=recorded.version)


def _project_invitation(event: Invitations.Event, rows: RowBatch) -> None:
    match event:
        case Invitations.Invited():
            rows.put(
                _invitation,
                id=event.invitation_id,
                organization_id=event.organization_id,
                version=event.originator_version,
                rank=event.rank,
                email=event.invitee.get("email"),
                invited_by=event.by,
                invited_at=event.timestamp,
                expires_at=event.expires_at,
            )
        case Invitations.Accepted() | Invitations.Declined() | Invitations.Withdrawn() | Invitations.Expired():
            rows.drop(_invitation, {"id": event.invitation_id})
        case _:
            pass


def _profile(profile: OrganizationProfile) -> dict[str, Any]:
    name = profile["name"]
    return {"profile": profile, "name": name, "sort_key": text.sort_key(name), "folded": text.folded(name)}


organizations = Projection(
    "organization", [_organization, _member, _invitation, _holiday], project, (Invitations, Organization)
)

_o, _m, _h = _organization.c, _member.c, _holiday.c
_listed = select(_o.id, _o.version, _o.profile, _o.closed).where(~_o.closed)


async def get(read: Snapshot, id: UUID) -> ListedOrganization | None:
    """An organization that is not closed, or None."""
    found = (await read.connection.execute(_listed.where(_o.id == id))).one_or_none()
    return None if found is None else ListedOrganization(**found._mapping)


async def names(read: Snapshot, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The names of organizations, also of those that have closed."""
    found = await read.connection.execute(select(_o.id, _o.name).where(_o.id.in_(ids)))
    return {row.id: row.name for row in found}


async def ids_of(read: Snapshot, account: UUID) -> Sequence[UUID]:
    """The organizations that an account belongs to."""
    query = select(_m.organization_id).where(_m.account_id == account).order_by(_m.organization_id)
    return (await read.connection.execute(query)).scalars().all()


async def find(
    read: Snapshot, page: Page, *, q: str | None = None, member_id: UUID | None = None, of: UUID | None = None
) -> tuple[Sequence[ListedOrganization], str | None]:
    """Organizations that are not closed, by name; and the next page's cursor. `q`: words, all of which are in the name.

    `of`: an account that must be a member itself, as must `member_id`.
    """
    query = narrowed(
        _listed,
        (q, lambda q: text.has_words(_o.folded, q)),
        (member_id, _has_member),
        (of, _has_member),
    )
    return await fetch(read.connection, query.order_by(_o.sort_key, _o.id), page, ListedOrganization)


def _has_member(account: UUID) -> ColumnElement[bool]:
    return _o.id.in_(select(_m.organization_id).where(_m.account_id == account))


async def members(read: Snapshot, id: UUID, page: Page) -> tuple[Sequence[ListedMember], str | None]:
    """The members of an organization, by account; and the next page's cursor."""
    query = select(_m.account_id, _m.rank).where(_m.organization_id == id).order_by(_m.account_id)
    return await fetch(read.connection, query, page, ListedMember)


async def member(read: Snapshot, id: UUID, account_id: UUID) -> ListedMember | None:
    """A member of an organization, or None."""
    query = select(_m.account_id, _m.rank).where(_m.organization_id == id, _m.account_id == account_id)
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else ListedMember(**found._mapping)


async def invitations(
    read: Snapshot, id: UUID, now: datetime, page: Page, *, owner: Owner | None = None
) -> tuple[Sequence[ListedInvitation], str | None]:
    """The open invitations of an organization, the oldest first; and the next page's cursor."""
    i = _invitation.c
    query = _invitations(owner).where(i.organization_id == id, i.expires_at > now).order_by(i.invited_at, i.id)
    return await fetch(read.connection, query, page, ListedInvitation)


async def invitation(read: Snapshot, id: UUID, *, owner: Owner | None = None) -> ListedInvitation | None:
    """An open invitation, or None."""
    found = (await read.connection.execute(_invitations(owner).where(_invitation.c.id == id))).one_or_none()
    return None if found is None else ListedInvitation(**found._mapping)


def _invitations(owner: Owner | None) -> Select[Any]:
    columns = [_invitation.c[name] for name in ListedInvitation.__dataclass_fields__]
    return narrowed(select(*columns), (owner, invitation_ownership.shows))


async def holidays(read: Snapshot, id: UUID, page: Page) -> tuple[Sequence[ListedHoliday], str | None]:
    """The holidays of an organization, the earliest first; and the next page's cursor."""
    query = select(_h.date, _h.name).where(_h.organization_id == id).order_by(_h.date)
    return await fetch(read.connection, query, page, ListedHoliday)
