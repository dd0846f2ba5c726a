"""A look at one aggregate as it is now, not as some cache has it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.access import OPERATOR
from application.event_log import Command, EventLog, EventStore, command
from domain.errors import NotFound
from domain.kernel import Aggregate

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, kw_only=True)
class GetCurrentState(Command):
    """For what the system does by itself; nothing is recorded."""

    kind: type[Aggregate]
    id: UUID


@command
async def get_current_state(cmd: GetCurrentState, log: EventLog, now: datetime) -> Aggregate:  # noqa: ARG001
    """The aggregate, with all that is personal readable; raises NotFound."""
    return await log.load(cmd.kind, cmd.id)


async def current_state(kind: type[A], id: UUID, store: EventStore) -> A | None:
    """As `look`; None if there is none."""
    try:
        found = (await get_current_state(GetCurrentState(by=OPERATOR, kind=kind, id=id), store)).aggregate
    except NotFound:
        return None
    assert isinstance(found, kind)
    return found
