"""What is on whose day?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Table,
    Text,
    func,
    or_,
    select,
)

from domain.booking.appointment import Appointment
from domain.booking.appointment_status import ENDED, NEVER, AppointmentStatus
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.people.account import Account
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid, walled
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models import membership
from projections.read_models.membership import organizations_of

appointment = Table(
    "appointment",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    uuid("service_id"),
    uuid("provider_id"),
    uuid("customer_id"),
    instant("starts_at"),
    instant("ends_at"),
    Column("timezone", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    json("policy"),
    Column("note", Text, nullable=False),
    json("answers"),
    instant("created_at"),
    instant("expires_at", nullable=True),
    json("cancellation", nullable=True),
    Column("reason", Text, nullable=False),
    instant("taken_at"),  # when it was booked or last moved
    Index("appointment_starts_at", "starts_at", "id"),
    Index("appointment_of_provider", "provider_id", "starts_at", "id"),
    Index("appointment_of_customer", "customer_id", "starts_at", "id"),
    Index("appointment_taken", "provider_id", "taken_at"),
    info=walled(
        "customer_id = {sub}"
        " OR customer_id IN (SELECT c.customer_id FROM {schema}.claimed_guest c WHERE c.account_id = {sub})"
        " OR provider_id IN (SELECT b.provider_id FROM {schema}.bookable b WHERE b.owner_id = {sub})"
        " OR provider_id IN (SELECT b.provider_id FROM {schema}.bookable b"
        " JOIN {schema}.agenda_member m USING (organization_id) WHERE m.account_id = {sub})"
    ),
)

bookable = Table(
    "bookable",
    metadata,
    uuid("provider_id", primary_key=True),
    uuid("owner_id", index=True),
    uuid("organization_id", nullable=True, index=True),
    comment="Whose appointments are a provider's?",
)

member = membership.members("agenda")
claimed = Table(
    "claimed_guest",
    metadata,
    uuid("customer_id", primary_key=True),
    uuid("account_id", index=True),
    comment="Whose appointments are a guest's?",
)


@dataclass(frozen=True, slots=True)
class ListedAppointment:
    """An appointment, as far as the agenda has read. `cancellation`: by, late, fee; if declined, by alone."""

    id: UUID
    version: int
    status: str
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_at: datetime
    timezone: str
    price: int
    currency: str
    policy: dict[str, Any]
    note: str
    answers: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    cancellation: dict[str, Any] | None
    reason: str

    @property
    def cancelled(self) -> dict[str, Any] | None:
        """By whom, why, whether late, at what fee; None unless it is cancelled."""
        return self._ended(AppointmentStatus.CANCELLED)

    @property
    def declined(self) -> dict[str, Any] | None:
        """By whom and why; None unless it is declined."""
        return self._ended(AppointmentStatus.DECLINED)

    def _ended(self, status: AppointmentStatus) -> dict[str, Any] | None:
        there = self.cancellation is not None and self.status == status
        return {**(self.cancellation or {}), "reason": self.reason} if there else None


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, recorded.version
    match event:
        case Appointment.Booked() | Appointment.Requested():
            rows.put(appointment, **id, **_booked(event), version=version)
        case Appointment.Rescheduled():
            rows.set(appointment, id, **_place(event), provider_id=event.provider_id, version=version)
        case Appointment.Noted():
            rows.set(appointment, id, **_told(event.told), version=version)
        case Appointment.Cancelled():
            how = {"by": event.by, "late": event.late, "fee": event.fee}
            rows.set(appointment, id, status=AppointmentStatus.CANCELLED.value, expires_at=None, version=version)
            rows.set(appointment, id, cancellation=how, reason=_why(event.reason))
        case Appointment.Declined():
            rows.set(appointment, id, status=AppointmentStatus.DECLINED.value, expires_at=None, version=version)
            rows.set(appointment, id, cancellation={"by": event.by}, reason=_why(event.reason))
        case Appointment.Event() if status := _STATUS.get(type(event)):
            rows.set(appointment, id, status=status, expires_at=None, version=version)
        case Customer.Forgotten():
            rows.clear(appointment, "customer_id", recorded.stream, note="", answers={}, reason="")
        case Account.Forgotten():
            rows.clear(appointment, "customer_id", event.account_id, note="", answers={}, reason="")
        case Provider.Joined():
            rows.put(
                bookable,
                provider_id=recorded.stream,
                owner_id=event.owner_id,
                organization_id=event.profile.get("organization_id"),
            )
        case Provider.Changed():
            provider = {"provider_id": recorded.stream}
            rows.set(bookable, provider, organization_id=event.profile.get("organization_id"))
        case Organization.Event():
            membership.project(member, recorded, rows)
        case Customer.Claimed():
            rows.put(claimed, customer_id=recorded.stream, account_id=event.account_id)
        case _:
            pass


_NEVER = [each.value for each in NEVER]
_STATUS: dict[type, str] = {
    Appointment.Confirmed: AppointmentStatus.BOOKED.value,
    Appointment.Expired: AppointmentStatus.EXPIRED.value,
    Appointment.CheckedIn: AppointmentStatus.CHECKED_IN.value,
    Appointment.Completed: AppointmentStatus.COMPLETED.value,
    Appointment.NoShow: AppointmentStatus.NO_SHOW.value,
    Appointment.NoShowUndone: AppointmentStatus.BOOKED.value,
}


def _booked(event: Appointment.Booked | Appointment.Requested) -> dict[str, Any]:
    asked = isinstance(event, Appointment.Requested)
    return {
        "status": (AppointmentStatus.REQUESTED if asked else AppointmentStatus.BOOKED).value,
        "expires_at": event.expires_at if isinstance(event, Appointment.Requested) else None,
        "service_id": event.service_id,
        "provider_id": event.provider_id,
        "customer_id": event.customer_id,
        **_told(event.told),
        "created_at": event.timestamp,
        "cancellation": None,
        "reason": "",
        **_place(event),
    }


def _told(told: PersonalData | None) -> dict[str, Any]:
    """Nothing, of somebody who is forgotten."""
    said = (told.value if told else None) or {}
    return {"note": said.get("note", ""), "answers": said.get("answers", {})}


def _why(reason: PersonalData | None) -> str:
    return (reason.value if reason else None) or ""


def _place(event: Appointment.Booked | Appointment.Requested | Appointment.Rescheduled) -> dict[str, Any]:
    return {
        "starts_at": event.starts_at,
        "ends_at": event.starts_at + timedelta(minutes=event.duration),
        "timezone": event.timezone,
        "price": event.price,
        "currency": event.currency,
        "policy": event.policy,
        "taken_at": event.timestamp,
    }


agenda = Projection("agenda", [appointment, bookable, member, claimed], project)

_entries = select(*(appointment.c[name] for name in ListedAppointment.__dataclass_fields__))


async def get(read: Snapshot, id: UUID, *, of: UUID | None = None, acts: bool = True) -> ListedAppointment | None:
    """The appointment; None if there is none, or none of `of`: customer, who claimed it, who acts for it.

    `acts`: whether `of` may act for providers at all.
    """
    query = narrowed(_entries.where(appointment.c.id == id), (of, _of if acts else _as_customer))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else ListedAppointment(**found._mapping)


async def find(
    read: Snapshot,
    page: Page,
    *,
    of: UUID | None = None,
    acts: bool = True,
    since: datetime | None = None,
    until: datetime | None = None,
    status: str | None = None,
    provider_id: UUID | None = None,
    customer_id: UUID | None = None,
    organization_id: UUID | None = None,
) -> tuple[Sequence[ListedAppointment], str | None]:
    """Appointments starting in [since, until), by start; and the next part's bookmark.

    `of`, `acts`: as in `get`.
    """
    a = appointment.c
    query = narrowed(
        _entries,
        (of, _of if acts else _as_customer),
        (since, a.starts_at.__ge__),
        (until, a.starts_at.__lt__),
        (status, a.status.__eq__),
        (provider_id, a.provider_id.__eq__),
        (customer_id, a.customer_id.__eq__),
        (organization_id, _of_organization),
    )
    return await fetch(read.connection, query.order_by(a.starts_at, a.id), page, ListedAppointment)


async def ahead(read: Snapshot, account: UUID, now: datetime) -> Sequence[UUID]:
    """What has not ended of an account's own appointments: its customers', and those with its providers."""
    own = select(bookable.c.provider_id).where(bookable.c.owner_id == account)
    theirs = or_(_as_customer(account), appointment.c.provider_id.in_(own))
    alive = appointment.c.status.in_([each.value for each in AppointmentStatus if each not in ENDED])
    query = select(appointment.c.id).where(theirs, alive, appointment.c.ends_at > now)
    return (await read.connection.execute(query)).scalars().all()


async def as_customer(read: Snapshot, account: UUID) -> Sequence[ListedAppointment]:
    """All appointments of an account, and of the guests it has claimed, by start."""
    query = _entries.where(_as_customer(account)).order_by(appointment.c.starts_at, appointment.c.id)
    return [ListedAppointment(**row._mapping) for row in await read.connection.execute(query)]


def _as_customer(account: UUID) -> ColumnElement[bool]:
    guests = select(claimed.c.customer_id).where(claimed.c.account_id == account)
    return or_(appointment.c.customer_id == account, appointment.c.customer_id.in_(guests))


def _of(account: UUID) -> ColumnElement[bool]:
    b = bookable.c
    ours = or_(b.owner_id == account, b.organization_id.in_(organizations_of(member, account)))
    theirs = select(b.provider_id).where(ours)
    return or_(_as_customer(account), appointment.c.provider_id.in_(theirs))


def _of_organization(id: UUID) -> ColumnElement[bool]:
    members = select(bookable.c.provider_id).where(bookable.c.organization_id == id)
    return appointment.c.provider_id.in_(members)


async def fewest(
    read: Snapshot, provider_ids: Collection[UUID], week_start: datetime, week_end: datetime
) -> Sequence[UUID]:
    """Providers, the fewest appointments in [week_start, week_end) first, then the least recently booked."""
    a, id = appointment.c, bookable.c.provider_id
    in_week = (a.starts_at >= week_start) & (a.starts_at < week_end) & a.status.not_in(_NEVER)
    count = select(func.count()).where(a.provider_id == id, in_week).scalar_subquery()
    latest = select(func.max(a.taken_at)).where(a.provider_id == id).scalar_subquery()
    query = select(id).where(id.in_(provider_ids)).order_by(count, latest.nulls_first(), id)
    return (await read.connection.execute(query)).scalars().all()
