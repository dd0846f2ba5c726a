"""The current state of one aggregate, confirmed against the event log."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.access import OPERATOR
from application.event_log import EventReader, EventStore
from application.query import Query, query
from domain.errors import NotFound
from domain.kernel import Aggregate

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, kw_only=True)
class GetCurrentState(Query):
    """Asked by Daybook itself: jobs, notices, deliveries."""

    kind: type[Aggregate]
    id: UUID


@query
async def get_current_state(asked: GetCurrentState, log: EventReader, _: datetime) -> Aggregate:
    """The aggregate, its personal data decrypted; raises NotFound."""
    return await log.load(asked.kind, asked.id)


async def current_state(kind: type[A], id: UUID, store: EventStore) -> A | None:
    """As `get_current_state`; None if there is no such aggregate."""
    try:
        found = (await get_current_state(GetCurrentState(by=OPERATOR, kind=kind, id=id), store)).aggregate
    except NotFound:
        return None
    assert isinstance(found, kind)
    return found
