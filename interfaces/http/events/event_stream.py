"""An answer that goes on: the events after a position, then those that happen, until the caller may not read them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.event_log import Unavailable
from application.feed.event_stream import frame, heartbeat, opening
from application.feed.ports import FeedMessage, FeedSubscription, Follower
from domain.log_position import position_text
from interfaces.http.framework.ports import FeedPorts, Ports
from interfaces.http.framework.responses import PRIVATE
from projections.query.ownership import Owner
from projections.query.snapshot import Behind, BeyondHead, Everything
from projections.read_models.feed import reading

HEARTBEAT = 15.0  # seconds without an event
PAGE = 200  # events of a page, for a client that resumes


@dataclass(frozen=True, slots=True)
class FeedPages:
    """The feed of one caller, page by page."""

    ports: Ports
    sees: UUID | Everything | None
    owner: Owner | None
    types: Collection[str]

    async def frames(self, after: int, until: int) -> AsyncIterator[tuple[int, bytes]]:
        """The events after a position and up to another; each page with the position up to which it looked."""
        while after < until:
            async with self.ports.reads.open("feed", until, sees=self.sees) as read:
                page = await reading.page(read, after, PAGE, types=self.types, owner=self.owner)
            found = [FeedMessage(*each) for each in page.messages if each.position <= until]
            bodies = await self.ports.feed.messages.rendered(found)
            after = min(page.next, until)
            yield after, b"".join(frame(each.position, each.type, bodies[each.position]) for each in found)


class EventStream(Response):
    """`after`: the position that the client has; None for the events from now on."""

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: FeedPorts,
        follower: Follower,
        subscription: FeedSubscription,
        pages: FeedPages,
        after: int | None,
    ) -> None:
        self.status_code, self.background = 200, None
        self._feed, self._follower, self._subscription, self._pages = feed, follower, subscription, pages
        self._after = subscription.position if after is None else after
        self.position = self._after
        self.raw_headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", PRIVATE),
            (b"x-accel-buffering", b"no"),
            (b"daybook-position", position_text(subscription.position).encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the subscription ends. It is a request in flight until it has caught up."""
        scope["endless"], scope["end_stream"] = True, self._end
        gone = asyncio.create_task(self._until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if not scope.get("head"):
                await self._stream(send, scope.get("leave", _nothing))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._feed.tail.leave(self._subscription)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._end("gone")

    def _end(self, reason: str) -> None:
        self._subscription.end(reason)

    async def _stream(self, send: Send, leave: Callable[[], None]) -> None:
        until = asyncio.get_running_loop().time() + self._feed.longest
        await _write(send, opening(self._after))
        with suppress(Unavailable, Behind, BeyondHead):  # the client connects again, and is told what is wrong
            await self._catch_up(send)
            leave()
            await self._follow(send, until)

    async def _catch_up(self, send: Send) -> None:
        """Send what had happened before the subscription began. The subscription begins anew if that takes long."""
        while self._after < self._subscription.position:
            async for looked, frames in self._pages.frames(self._after, self._subscription.position):
                self._after = looked
                if self._subscription.ended not in {None, "slow"}:
                    return
                if frames:
                    await _write(send, frames)
            if self._subscription.ended == "slow":
                self._feed.tail.leave(self._subscription)
                self._subscription = await self._feed.tail.subscribe(self._follower)

    async def _follow(self, send: Send, until: float) -> None:
        subscription, loop = self._subscription, asyncio.get_running_loop()
        while subscription.ended is None:
            left = until - loop.time()
            if left <= 0:
                subscription.end("age")
            elif found := await subscription.take(min(HEARTBEAT, left)):
                # Of a tail that is behind the position from which the client resumes, some are not new.
                await _write(send, b"".join(each.frame for each in found if each.position > self._after))
            elif subscription.ended is None:
                await _write(send, heartbeat(max(subscription.looked, self._after)))


async def _write(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _nothing() -> None:
    pass
