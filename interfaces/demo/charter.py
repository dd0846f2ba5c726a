"""The origin of the demo town: from a seed and a date follow every id, every random choice, every command."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

from application.access import Caller, Role
from application.event_log import Command, CommandResult, EventStore, IdempotencyKey
from domain.kernel import derived_id

HISTORY = timedelta(days=100)
"""The age of the town on the day it is made."""
AHEAD = timedelta(days=40)

Handler = Callable[[Any, EventStore], Awaitable[CommandResult[Any]]]


@dataclass(frozen=True, slots=True)
class Act:
    """A command and its time. It brings `stream` to version `step`. Acts of one lane run in order."""

    at: datetime
    lane: UUID
    stream: UUID
    step: int
    handler: Handler
    command: Command


@dataclass(frozen=True, slots=True)
class Charter:
    """The town's seed, when its history begins, and how long it is."""

    seed: int
    founded: datetime
    history: timedelta = HISTORY

    @property
    def today(self) -> datetime:
        """When the town was made: the end of its past."""
        return self.founded + self.history

    def id(self, *parts: object) -> UUID:
        return town_id(self.seed, *parts)

    def random(self, *parts: object) -> Random:
        """The same random numbers for the same part of the town, whatever changes elsewhere."""
        return Random(":".join(map(str, (self.seed, *parts))))  # noqa: S311  nothing secret

    def act(
        self,
        at: datetime,
        lane: UUID,
        place: tuple[UUID, int],
        does: tuple[Handler, type[Command]],
        by: Caller,
        **fields: Any,
    ) -> Act:
        """`place`: the stream and the version that the command brings it to, which also name its key."""
        handler, kind = does
        named = sha256(":".join(map(str, ("demo", self.seed, *place))).encode()).digest()
        return Act(at, lane, *place, handler, kind(by=by, key=IdempotencyKey(named, named), demo=True, **fields))


def town_id(seed: int, *parts: object) -> UUID:
    """The id of a part of the town of this seed."""
    return derived_id("demo", seed, *parts)


def admin(seed: int) -> Caller:
    """The platform's admin."""
    return Caller(town_id(seed, "admin"), Role.ADMIN, means="demo")
