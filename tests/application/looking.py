"""A look at a stream as the log has it."""

from typing import TypeVar
from uuid import UUID

from application.access import OPERATOR
from application.event_log import Command, EventStore
from domain.kernel import Aggregate

A = TypeVar("A", bound=Aggregate)


async def look(store: EventStore, kind: type[A], id: UUID) -> A | None:
    """The aggregate, None if there is none."""
    async for attempt in store.attempts(Command(by=OPERATOR)):
        async with attempt as log:
            return await log.find(kind, id)
    raise AssertionError
