"""Composition root of the role that publishes the feed to NATS JetStream."""

import asyncio
import contextlib
import signal
from contextlib import AsyncExitStack

from prometheus_client import Counter, Gauge

from application.feed.sink import run_sink
from infrastructure.database.engines import named_engine
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.feed.messages import LogMessages
from infrastructure.feed.nats_sink import NatsSink
from infrastructure.feed.source import BackOff, FeedSource
from infrastructure.settings import Settings
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots

PUBLISHED = Counter("daybook_feed_published", "Messages that the sink has published")
POSITION = Gauge("daybook_feed_published_position", "The position of the last message that the sink has published")


async def run_feed_sink(settings: Settings, *, create: bool) -> None:
    """Publish until SIGTERM or SIGINT. Raises SinkRefused. `create`: the stream, if it is missing."""
    async with AsyncExitStack() as stack:
        assert settings.database is not None
        assert settings.nats_url is not None
        journal = PostgresJournal(settings.database.dsn)
        stack.push_async_callback(journal.close)
        await journal.open()
        engine = named_engine(settings.database.dsn, "daybook-feed-sink", pool_size=2)
        stack.push_async_callback(engine.dispose)
        positions = await stack.enter_async_context(Positions(engine, "daybook-feed-sink-listen"))
        source = FeedSource(Snapshots(engine, positions), positions, LogMessages(journal))
        url = settings.nats_url.get_secret_value()
        sink = NatsSink(url, settings.nats_stream, settings.nats_subject, create=create)
        await stack.enter_async_context(sink)
        work = asyncio.create_task(run_sink(source, sink, BackOff(), _published))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await work


def _published(position: int) -> None:
    PUBLISHED.inc()
    POSITION.set(position)
