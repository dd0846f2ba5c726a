"""What the feed needs from elsewhere: messages as bytes, and the tail that streams share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from application.access import Caller


class FeedMessage(NamedTuple):
    """An event of the feed. `subject`, `version`: the stream that it is about, right after it."""

    position: int
    type: str
    subject: UUID
    version: int
    at: datetime


class FeedMessages(Protocol):
    """Reads the messages of events from the log."""

    async def rendered(self, messages: Sequence[FeedMessage]) -> Mapping[int, bytes]:
        """Position -> the message as webhooks send it: JSON. Raises Unavailable."""
        ...


class StreamedMessage(NamedTuple):
    """A message to send. `frame`: as an event of `text/event-stream`."""

    position: int
    type: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows the feed. `everything`: the events of all, not of the caller's scopes alone.

    `credential`: the access token or API key, which must stay valid. `types`: none for all types.
    """

    caller: Caller
    credential: str
    everything: bool = False
    types: Collection[str] = ()


class FeedSubscription(Protocol):
    """The messages of one follower from a position on. Bounded: a follower who does not keep up is ended."""

    @property
    def position(self) -> int:
        """The tail's, when the subscription began: the first message is a later one."""
        ...

    @property
    def ended(self) -> str | None:
        """Why no further message comes; None while the subscription lasts."""
        ...

    @property
    def looked(self) -> int:
        """The position up to which every message of this follower has been taken."""
        ...

    async def take(self, patience: float) -> Sequence[StreamedMessage]:
        """The next messages; none after `patience` seconds without one, or at the end."""
        ...

    def end(self, reason: str) -> None:
        """No further message; messages that wait are dropped."""
        ...


class FeedTail(Protocol):
    """Follows the feed once for all followers of a process."""

    async def subscribe(self, follower: Follower) -> FeedSubscription:
        """Begin at the tail's position. Raises Overloaded beyond the number of followers, and Unavailable."""
        ...

    def leave(self, subscription: FeedSubscription) -> None:
        """The follower has gone."""
        ...
