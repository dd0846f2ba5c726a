"""Which appointments lie ahead: of what ends, and of a provider whose hours change?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, literal, or_, select

from domain.booking.appointment_status import ENDED, AppointmentStatus
from domain.booking.origin import OverridableRule
from domain.booking.orphan import MAY_BE_ORPHANS
from projections.query.snapshot import Snapshot
from projections.read_models.appointment import appointment, of_organization, owners, ownership

_a = appointment.c
_ALIVE = [each.value for each in AppointmentStatus if each not in ENDED]
_MAY_BE_ORPHANS = [each.value for each in MAY_BE_ORPHANS]


async def ahead(read: Snapshot, account: UUID, now: datetime) -> Sequence[UUID]:
    """The upcoming appointments of an account: as a customer, and with the providers it owns."""
    own = _a.provider_id.in_(owners.owned_by(literal(account)))
    alive = _a.status.in_(_ALIVE)
    query = select(_a.id).where(or_(ownership.shows_customer(account), own), alive, _a.ends_at > now)
    return (await read.connection.execute(query)).scalars().all()


async def ahead_of(read: Snapshot, of: Mapping[str, UUID], now: datetime) -> Sequence[UUID]:
    """The upcoming appointments of a `customer_id`, `provider_id`, `service_id` or `organization_id`, by start."""
    wanted = [of_organization(id) if name == "organization_id" else _a[name] == id for name, id in of.items()]
    alive = _a.status.in_(_ALIVE)
    query = select(_a.id).where(*wanted, alive, _a.ends_at > now).order_by(_a.starts_at, _a.id)
    return (await read.connection.execute(query)).scalars().all()


async def upcoming(read: Snapshot, provider_id: UUID, now: datetime) -> Sequence[Row[Any]]:
    """Id, start, end, and whether it is an orphan, of a provider's upcoming appointments, by start.

    Without those for which staff have set the opening hours aside.
    """
    columns = _a.id, _a.starts_at, _a.ends_at, _a.orphaned.is_not(None).label("orphan")
    ahead = _a.starts_at > now, _a.status.in_(_MAY_BE_ORPHANS), ~_a.overridden.contains([OverridableRule.HOURS.value])
    query = select(*columns).where(_a.provider_id == provider_id, *ahead).order_by(_a.starts_at, _a.id)
    return (await read.connection.execute(query)).all()


async def providers_of(read: Snapshot, organization_id: UUID) -> Sequence[UUID]:
    """The providers that belong to an organization now."""
    p = owners.providers.c
    query = select(p.provider_id).where(p.organization_id == organization_id).order_by(p.provider_id)
    return (await read.connection.execute(query)).scalars().all()
