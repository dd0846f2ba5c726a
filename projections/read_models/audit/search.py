"""Which events are there of a stream, a kind, an actor, a person, an organization, a request, or a time?"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from domain.catalog.organization import Rank
from projections.query.paging import narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.audit.event import event, member, organization, person
from projections.read_models.history import stored

_e, _p, _o = event.c, person.c, organization.c
_theirs = organization.alias("theirs")


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """All that are not None must hold. `since`, `until`: positions, both included.

    `kind`: of aggregate, such as Appointment; `topic`: such as Appointment.Booked. `person`: the account, guest or
    customer whom the event was about; `organization`: one that it concerned.
    """

    stream: UUID | None = None
    kind: str | None = None
    topic: str | None = None
    actor: UUID | None = None
    person: UUID | None = None
    organization: UUID | None = None
    request: str | None = None
    since: int | None = None
    until: int | None = None


async def owned_by(read: Snapshot, account: UUID) -> Sequence[UUID]:
    """The organizations that an account owns as of the snapshot."""
    m = member.c
    query = select(m.organization_id).where(m.account_id == account, m.rank == Rank.OWNER.value)
    return [id for (id,) in await read.connection.execute(query.order_by(m.organization_id))]


async def find(
    read: Snapshot,
    filters: AuditFilters,
    limit: int,
    *,
    after: int | None = None,
    newest_first: bool = False,
    owners: Sequence[UUID] | None = None,
) -> Sequence[int]:
    """The positions of the events, at most `limit`, beyond position `after` in their order.

    `owners`: only what belonged to one of these organizations as of its position; None for all events.
    """
    query = _wanted(filters)
    if after is not None:
        query = query.where(_e.position < after if newest_first else _e.position > after)
    query = query.order_by(_e.position.desc() if newest_first else _e.position).limit(limit)
    if owners is None:
        return list((await read.connection.execute(query)).scalars())
    found = [await _belonging(read, query, owner) for owner in owners]
    return list(islice(merge(*found, reverse=newest_first), limit))  # an event belongs to one organization


async def _belonging(read: Snapshot, query: Select[Any], owner: UUID) -> Sequence[int]:
    t = _theirs.c
    theirs = query.join(_theirs, t.position == _e.position).where(t.organization_id == owner, t.belongs)
    return list((await read.connection.execute(theirs)).scalars())


def _wanted(filters: AuditFilters) -> Select[Any]:
    query = select(_e.position).select_from(event)
    if filters.person is not None:
        query = query.join(person, _p.position == _e.position).where(_p.person_id == filters.person)
    if filters.organization is not None:
        of_it = _o.organization_id == filters.organization
        query = query.join(organization, _o.position == _e.position).where(of_it)
    if filters.kind is not None:
        query = query.where(_e.topic > f"{filters.kind}.", _e.topic < f"{filters.kind}/")  # "/" follows "."
    return narrowed(
        query,
        (filters.stream, _of_stream),
        (filters.topic, _e.topic.__eq__),
        (filters.actor, _e.actor.__eq__),
        (filters.request, _e.correlation.__eq__),
        (filters.since, _e.position.__ge__),
        (filters.until, _e.position.__le__),
    )


def _of_stream(stream: UUID) -> ColumnElement[bool]:
    return _e.position.in_(select(stored.c.notification_id).where(stored.c.originator_id == stream))
