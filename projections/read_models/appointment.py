"""Appointments: time, provider, customer and status."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Select,
    Table,
    Text,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    text,
    true,
)

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BeginFields, MoveFields, ReturnFields
from domain.booking.appointment_status import NEVER, AppointmentStatus
from domain.booking.appointment_text import DEFAULTS, texts_of, words
from domain.booking.move import MoveOutcome
from domain.booking.orphan import MAY_BE_ORPHANS, OrphanChoice
from domain.catalog.service import Service
from domain.people.account import Account
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid
from projections.query.ownership import Owner, Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.agenda import summary
from projections.read_models.agenda.listed import ListedAppointment
from projections.read_models.agenda.selection import EVERY, AppointmentFilter, AppointmentOrder
from projections.read_models.membership import OWNER_AGGREGATES, owner_tables, project_owners

LONGEST = timedelta(days=7)
"""No service lasts longer."""

appointment = Table(
    "appointment",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    uuid("service_id"),
    uuid("provider_id"),
    uuid("customer_id"),
    uuid("organization_id", nullable=True, index=True),
    Column("organization_recorded", Boolean, nullable=False),  # false: release 0.1.0 did not say under which
    instant("starts_at"),
    instant("ends_at"),
    Column("timezone", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    json("policy"),
    Column("free_cancellation", Boolean, nullable=False),
    json("overridden"),
    Column("note", Text, nullable=False),
    json("answers"),
    Column("staff_note", Text, nullable=False),
    Column("external_id", Text),
    json("metadata"),
    instant("created_at"),
    instant("expires_at", nullable=True),
    uuid("confirmed_provider_id", nullable=True),  # while a move is requested: what is kept until the answer
    instant("confirmed_starts_at", nullable=True),
    instant("confirmed_ends_at", nullable=True),
    json("orphaned", nullable=True),  # while it lies outside the opening hours and nobody has settled it
    json("cancellation", nullable=True),
    Column("reason", Text, nullable=False),
    json("move", nullable=True),
    Column("move_reason", Text, nullable=False),
    Column("move_outcome", Text, nullable=False),
    instant("taken_at"),  # when it was booked or last moved
    instant("updated_at"),
    Index("appointment_starts_at", "starts_at", "id"),
    Index("appointment_of_status", "status", "starts_at", "id"),
    Index("appointment_of_provider", "provider_id", "starts_at", "id"),
    Index("appointment_of_customer", "customer_id", "starts_at", "id"),
    Index("appointment_taken", "provider_id", "taken_at"),
    Index("appointment_orphaned", "starts_at", "id", postgresql_where=text("orphaned IS NOT NULL")),
    Index("appointment_updated_at", "updated_at", "id"),
    Index("appointment_requested", "updated_at", "id", postgresql_where=text("status = 'requested'")),
    Index("appointment_external_id", "external_id"),
)

owners = owner_tables("agenda", providers="bookable", claims="claimed_guest")
ownership = Ownership(
    table=appointment,
    owners=owners,
    customer=appointment.c.customer_id,
    provider=appointment.c.provider_id,
    organization=appointment.c.organization_id,
    recorded=appointment.c.organization_recorded,
)

summary.own(owners, appointment)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    if isinstance(recorded.event, Appointment.Event):
        stamp = {"version": recorded.version, "updated_at": recorded.event.timestamp}
        _project(recorded.event, {"id": recorded.stream}, stamp, rows)
        return
    match recorded.event:
        case Customer.Merged(into=into):
            rows.clear(appointment, "customer_id", recorded.stream, customer_id=into)
        case Customer.Forgotten():
            rows.clear(appointment, "customer_id", recorded.stream, **_ERASED)
        case Account.Forgotten() as forgotten:
            rows.clear(appointment, "customer_id", forgotten.account_id, **_ERASED)
        case _:
            project_owners(owners, recorded, rows)
    summary.project(recorded, rows)


def _project(event: Appointment.Event, id: Mapping[str, Any], stamp: Mapping[str, Any], rows: RowBatch) -> None:
    match event:
        case Appointment.Booked() | Appointment.Requested():
            rows.put(appointment, **id, **_booked(event), **stamp)
        case Appointment.Rescheduled():
            set_aside = {"overridden": event.placement["overridden"]}
            rows.set(appointment, id, **_moved(event), **_move(event), **set_aside, orphaned=None, **stamp)
        case Appointment.MoveRequested():
            rows.set(appointment, id, **_moved(event), **_move(event), **stamp)
        case Appointment.Confirmed():
            rows.set(appointment, id, **_CONFIRMED, **stamp)
        case Appointment.MoveDeclined() | Appointment.MoveExpired():
            rows.set(appointment, id, **_moved(event), move_outcome=_OUTCOME[type(event)].value, **stamp)
        case Appointment.OrphanFound() | Appointment.Kept() | Appointment.OrphanCleared():
            rows.set(appointment, id, **_orphan(event), **stamp)
        case Appointment.Transferred(organization_id=organization_id):
            rows.set(appointment, id, organization_id=organization_id, organization_recorded=True, **stamp)
        case Appointment.Noted():
            rows.set(appointment, id, **texts_of(event.told), **stamp)
        case Appointment.Cancelled() | Appointment.Declined():
            ending = {**event.ending(), "at": event.timestamp.isoformat()}
            ended = {"cancellation": ending, "reason": words(event.reason)}
            rows.set(appointment, id, status=_STATUS[type(event)], expires_at=None, **ended, **stamp)
        case _ if status := _STATUS.get(type(event)):
            rows.set(appointment, id, status=status, expires_at=None, **_NOT_ASKED, **stamp)
        case _:
            rows.set(appointment, id, **stamp)


_ERASED = {**DEFAULTS, "reason": "", "move_reason": ""}
_BY = {"start": appointment.c.starts_at, "updated": appointment.c.updated_at, "created": appointment.c.created_at}
_NEVER = [each.value for each in NEVER]
_AHEAD = [each.value for each in MAY_BE_ORPHANS]
_NOT_ASKED = dict.fromkeys(("confirmed_provider_id", "confirmed_starts_at", "confirmed_ends_at"))
_CONFIRMED: Mapping[str, Any] = {
    "status": AppointmentStatus.BOOKED.value,
    "move_outcome": MoveOutcome.MADE.value,
    "expires_at": None,
    "overridden": [],
    "orphaned": None,
    **_NOT_ASKED,
}
_OUTCOME: dict[type, MoveOutcome] = {
    Appointment.Rescheduled: MoveOutcome.MADE,
    Appointment.MoveRequested: MoveOutcome.REQUESTED,
    Appointment.MoveDeclined: MoveOutcome.DECLINED,
    Appointment.MoveExpired: MoveOutcome.EXPIRED,
}
_STATUS: dict[type, str] = {
    Appointment.Cancelled: AppointmentStatus.CANCELLED.value,
    Appointment.Declined: AppointmentStatus.DECLINED.value,
    Appointment.Expired: AppointmentStatus.EXPIRED.value,
    Appointment.CheckedIn: AppointmentStatus.CHECKED_IN.value,
    Appointment.Completed: AppointmentStatus.COMPLETED.value,
    Appointment.NoShow: AppointmentStatus.NO_SHOW.value,
    Appointment.NoShowUndone: AppointmentStatus.BOOKED.value,
}


def _orphan(event: Appointment.OrphanFound | Appointment.Kept | Appointment.OrphanCleared) -> dict[str, Any]:
    match event:
        case Appointment.OrphanFound():
            asked = {"free_cancellation": True} if event.choice == OrphanChoice.REBOOK else {}
            found = {"at": event.timestamp.isoformat(), "by": str(event.by), "choice": event.choice}
            return {"orphaned": found, **asked}
        case Appointment.Kept():
            return {"orphaned": None, "overridden": event.overridden}
        case _:
            return {"orphaned": None}


def _booked(event: Appointment.Booked | Appointment.Requested) -> dict[str, Any]:
    requested = isinstance(event, Appointment.Requested)
    return {
        "status": (AppointmentStatus.REQUESTED if requested else AppointmentStatus.BOOKED).value,
        "expires_at": event.expires_at if isinstance(event, Appointment.Requested) else None,
        "service_id": event.service_id,
        "provider_id": event.provider_id,
        "customer_id": event.customer_id,
        **texts_of(event.told),
        "created_at": event.timestamp,
        "cancellation": None,
        "orphaned": None,
        "overridden": event.placement["overridden"],
        **_NOT_ASKED,
        "reason": "",
        "move": None,
        "move_reason": "",
        "move_outcome": MoveOutcome.MADE.value,
        "taken_at": event.timestamp,
        **_place(event),
    }


def _moved(event: MoveFields | ReturnFields) -> dict[str, Any]:
    """Of a move, of a request for one, and of a request that was not confirmed."""
    asked = event if isinstance(event, Appointment.MoveRequested) else None
    return {
        **_place(event),
        "provider_id": event.provider_id,
        "status": (AppointmentStatus.REQUESTED if asked else AppointmentStatus.BOOKED).value,
        "expires_at": asked and asked.expires_at,
        **{name: asked and getattr(asked, name) for name in _NOT_ASKED},
    }


def _move(event: Appointment.Rescheduled | Appointment.MoveRequested) -> dict[str, Any]:
    at, outcome = event.timestamp, _OUTCOME[type(event)].value
    move = {**event.moving(), "at": at.isoformat()}
    return {"move": move, "move_reason": words(event.reason), "move_outcome": outcome, "taken_at": at}


def _place(event: BeginFields | MoveFields | ReturnFields) -> dict[str, Any]:
    return {
        "starts_at": event.starts_at,
        "ends_at": event.starts_at + timedelta(minutes=event.duration),
        "timezone": event.timezone,
        "price": event.price,
        "currency": event.currency,
        "policy": event.policy,
        "free_cancellation": not isinstance(event, BeginFields) and event.free_cancellation,
        "organization_id": event.organization_id,
        "organization_recorded": event.organization_recorded,
    }


agenda = Projection(
    "agenda",
    [appointment, *owners.tables, *summary.TABLES],
    project,
    (Account, Appointment, Service, *OWNER_AGGREGATES),
)

_a = appointment.c
_NAMED = ("for_staff", "service", "provider", "customer")


def _listed(owner: Owner | None = None) -> Select[Any]:
    """Appointments of an owner, or of all."""
    own = [_a[name] for name in ListedAppointment.__dataclass_fields__ if name not in _NAMED]
    for_staff = true() if owner is None else ownership.shows_staff(owner)
    query = select(*own, for_staff.label("for_staff"), *summary.columns()).select_from(summary.joined(appointment))
    return narrowed(query, (owner, ownership.shows))


async def get(read: Snapshot, id: UUID, *, owner: Owner | None = None) -> ListedAppointment | None:
    """The appointment; None if there is none, or none of the owner's."""
    found = (await read.connection.execute(_listed(owner).where(_a.id == id))).one_or_none()
    return None if found is None else ListedAppointment(**found._mapping)


async def find(
    read: Snapshot,
    page: Page,
    wanted: AppointmentFilter = EVERY,
    *,
    order: AppointmentOrder = AppointmentOrder.START,
    owner: Owner | None = None,
) -> tuple[Sequence[ListedAppointment], str | None]:
    """Appointments, of an owner alone or of all; and the next page's cursor."""
    query = narrowed(
        _listed(owner),
        (wanted.since, _lasts_beyond if wanted.overlapping else _a.starts_at.__ge__),
        (wanted.until, _a.starts_at.__lt__),
        (wanted.updated_since, _a.updated_at.__ge__),
        (wanted.statuses, _a.status.in_),
        (wanted.service_id, _a.service_id.__eq__),
        (wanted.provider_ids, _a.provider_id.in_),
        (wanted.customer_id, _a.customer_id.__eq__),
        (wanted.organization_id, of_organization),
        (wanted.external_id, _a.external_id.__eq__),
        (wanted.orphaned or None, _is_orphan),
    )
    return await fetch(read.connection, query.order_by(*_keys(order, wanted)), page, ListedAppointment)


def _keys(order: AppointmentOrder, wanted: AppointmentFilter) -> Sequence[ColumnElement[Any]]:
    by: ColumnElement[Any] = _BY[order.removeprefix("-")]
    last = order.startswith("-")
    if wanted.provider_ids is not None and len(wanted.provider_ids) > 1 and None not in (wanted.since, wanted.until):
        # No index has this order: PostgreSQL would walk through everybody's appointments until it has met enough of
        # these providers, who may have none.
        by = by + literal(timedelta(0))
    return (by.desc(), _a.id.desc()) if last else (by, _a.id)


async def concerns(read: Snapshot, owner: Owner, provider_ids: Sequence[UUID], service_id: UUID | None = None) -> bool:
    """Whether an account acts for one of the providers, or may see an appointment of theirs, or of the service."""
    account = literal(owner.account)
    acts = [owners.owned_by(account), owners.employed_by(account)] if owner.acts else []
    theirs = or_(false(), *(owners.providers.c.provider_id.in_(each) for each in acts))
    acting = exists().where(owners.providers.c.provider_id.in_(provider_ids), theirs)
    wanted = _a.provider_id.in_(provider_ids) if service_id is None else _a.service_id == service_id
    seen = exists().where(wanted, ownership.shows(owner))
    return bool((await read.connection.execute(select(or_(acting, seen)))).scalar())


async def as_customer(read: Snapshot, account: UUID) -> Sequence[ListedAppointment]:
    """All appointments of an account as a customer, and of the guests it has claimed, by start."""
    query = _listed().where(ownership.shows_customer(account)).order_by(_a.starts_at, _a.id)
    return [ListedAppointment(**row._mapping) for row in await read.connection.execute(query)]


def _is_orphan(_: bool) -> ColumnElement[bool]:
    return _a.orphaned.is_not(None) & _a.status.in_(_AHEAD)


def _lasts_beyond(since: datetime) -> ColumnElement[bool]:
    # The bound on the start lets the index leave out all that was over long before.
    return (_a.ends_at > since) & (_a.starts_at > since - LONGEST)


def of_organization(id: UUID) -> ColumnElement[bool]:
    """Of the organization's record, or of its providers where release 0.1.0 did not say under which it was made."""
    p = owners.providers.c
    theirs = _a.provider_id.in_(select(p.provider_id).where(p.organization_id == id))
    return or_(_a.organization_id == id, ~_a.organization_recorded & theirs)


async def fewest(
    read: Snapshot, provider_ids: Collection[UUID], week_start: datetime, week_end: datetime
) -> Mapping[UUID, int]:
    """Providers and how many appointments they have in [week_start, week_end).

    The fewest come first, then the least recently booked.
    """
    a, id = _a, owners.providers.c.provider_id
    in_week = (a.starts_at >= week_start) & (a.starts_at < week_end) & a.status.not_in(_NEVER)
    count = select(func.count()).where(a.provider_id == id, in_week).scalar_subquery()
    latest = select(func.max(a.taken_at)).where(a.provider_id == id).scalar_subquery()
    query = select(id, count).where(id.in_(provider_ids)).order_by(count, latest.nulls_first(), id)
    return {row[0]: row[1] for row in await read.connection.execute(query)}
