"""The messages of the feed, read from the streams that they are about."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from application.feed.ports import FeedMessage
from application.webhooks.payload import WebhookEvent, payload
from domain.kernel import Aggregate
from infrastructure.event_log.event_codec import decode, evolve
from infrastructure.event_log.journal import Journal, MissedEvent


class LogMessages:
    """Raises Unavailable. All streams of a page are read by one statement."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def rendered(self, messages: Sequence[FeedMessage]) -> Mapping[int, bytes]:
        if not messages:
            return {}
        events = await self._journal.read(list({each.subject for each in messages}))
        streams = {stream: list(of) for stream, of in groupby(events, attrgetter("stream"))}
        found: dict[int, bytes] = {}
        for subject, of in groupby(sorted(messages, key=attrgetter("subject", "version")), attrgetter("subject")):
            found.update(_rendered(streams[subject], list(of)))
        return found


def _rendered(stream: Sequence[MissedEvent], messages: Sequence[FeedMessage]) -> Iterator[tuple[int, bytes]]:
    """The messages about one stream, in order: each about the aggregate as it was right after the event."""
    subject: Aggregate | None = None
    events = iter(stream)
    for message in messages:
        while subject is None or subject.version < message.version:
            each = next(events)
            subject = evolve(subject, [decode(each.topic, each.state, each.stream, each.version)])
        yield message.position, payload(WebhookEvent(message.position, message.type, message.at, subject))
