"""For which organizations does somebody open the card of a person?"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, union

from projections.query.snapshot import Snapshot
from projections.read_models.customer import customer, owners, visit

MOST = 20
_m, _p, _v = owners.members.c, owners.providers.c, visit.c


async def viewer_organizations(read: Snapshot, viewer: UUID, person: UUID) -> Sequence[UUID]:
    """Those that the viewer belongs to, and that keep the person or have, or had, appointments with them; MOST of them.

    `read`: of the projection `customer`, for everything.
    """
    keeps = select(customer.c.organization_id).where(customer.c.id == person)
    recorded = select(_v.organization_id).where(_v.customer_id == person, _v.organization_recorded)
    employs = (
        select(_p.organization_id)
        .join(visit, _v.provider_id == _p.provider_id)
        .where(_v.customer_id == person, ~_v.organization_recorded)
    )
    theirs = union(keeps, recorded, employs).subquery()
    query = select(_m.organization_id).where(_m.account_id == viewer, _m.organization_id.in_(select(theirs)))
    return list(await read.connection.scalars(query.order_by(_m.organization_id).limit(MOST)))
