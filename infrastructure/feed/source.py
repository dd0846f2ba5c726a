"""The feed of all for a sink, and the pauses while a server is away."""

import asyncio

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from application.event_log import Unavailable
from application.feed.ports import FeedMessage, FeedMessages
from application.feed.sink import SinkRefused, SinkUnavailable, SourcePage, SunkMessage
from projections.engine.cancellation import check_cancelled
from projections.engine.positions import Positions
from projections.query.snapshot import EVERYTHING, Behind, BeyondHead, Snapshots
from projections.read_models.feed import reading

PAGE = 500  # messages
POLL = 1.0  # seconds that it waits for the next message
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0  # seconds

logger = structlog.get_logger(__name__)


class FeedSource:
    """Reads pages of the whole feed."""

    def __init__(self, reads: Snapshots, positions: Positions, messages: FeedMessages) -> None:
        self._reads, self._positions, self._messages = reads, positions, messages

    async def after(self, position: int) -> SourcePage:
        await self._positions.wait("feed", position + 1, POLL)
        try:
            async with self._reads.open("feed", position, sees=EVERYTHING) as read:
                page = await reading.page(read, position, PAGE)
            bodies = await self._messages.rendered([FeedMessage(*each) for each in page.messages])
        except BeyondHead as ahead:
            raise SinkRefused(
                f"The stream of the broker is ahead of the event log, which was restored. {ahead} "
                "Use another stream, or delete this one and run `daybook feed-sink --create`."
            ) from ahead
        except (SQLAlchemyError, psycopg.Error, OSError, Unavailable, Behind) as error:
            check_cancelled()
            raise SinkUnavailable(f"PostgreSQL: {error}") from error
        return SourcePage([SunkMessage(m.position, m.type, bodies[m.position]) for m in page.messages], page.next)


class BackOff:
    """Pauses that double, and a log line at the beginning and at the end of an outage."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE
        self._away = False

    async def wait(self, error: SinkUnavailable) -> None:
        if not self._away:
            self._away = True
            logger.warning("the feed is not published, retrying", error=str(error))
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def over(self) -> None:
        if self._away:
            logger.info("the feed is published again")
        self._away, self._pause = False, FIRST_PAUSE
