"""Publishes the feed to a broker, once and in order: serially, into a stream of its own, which says how far it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class SunkMessage(NamedTuple):
    """A message to publish. `body`: JSON, as webhooks send it."""

    position: int
    type: str
    body: bytes


class SinkEnd(NamedTuple):
    """The last message of a sink's stream: its position in the log, and its number in the stream; 0 for none yet."""

    position: int
    sequence: int


@dataclass(frozen=True, slots=True)
class SourcePage:
    """Messages in order. `next`: everything up to this position has been looked at."""

    messages: Sequence[SunkMessage]
    next: int


class SinkUnavailable(Exception):
    """The broker does not answer."""


class SinkRefused(Exception):
    """The stream is not one that this sink may continue; what is wrong, and the way out."""


class Sink(Protocol):
    """A stream of a broker that nobody else writes to."""

    async def end(self) -> SinkEnd:
        """The end of the stream. Raises SinkUnavailable, and SinkRefused if its last message is gone."""
        ...

    async def publish(self, message: SunkMessage, after: SinkEnd) -> SinkEnd:
        """Publish after this end, and answer the new one.

        Raises SinkUnavailable if it is unknown whether the message was published, and SinkRefused if the stream ends
        elsewhere: another publisher is at work.
        """
        ...


class Source(Protocol):
    """The feed of all."""

    async def after(self, position: int) -> SourcePage:
        """The next messages; waits for a moment when there are none.

        Raises SinkUnavailable without the database, and SinkRefused for a position that the log does not have.
        """
        ...


class Outage(Protocol):
    """Tells of an outage once, and waits longer each time."""

    async def wait(self, error: SinkUnavailable) -> None:
        """Wait before the next attempt."""
        ...

    def over(self) -> None:
        """An attempt has succeeded."""
        ...


async def run_sink(source: Source, sink: Sink, outage: Outage, published: Callable[[int], None]) -> None:
    """Publish until cancelled; `published` is called with each position. Raises SinkRefused.

    After a failure the end of the stream is read again: whether the last message has arrived, it alone knows.
    """
    end: SinkEnd | None = None
    looked = 0
    while True:
        try:
            if end is None:
                end = await sink.end()
                looked = end.position
            page = await source.after(looked)
            for message in page.messages:
                end = await sink.publish(message, end)
                looked = message.position
                published(looked)
            looked = page.next
            outage.over()
        except SinkUnavailable as error:
            end = None
            await outage.wait(error)
