"""A sink in NATS JetStream: a stream of its own, written by one publisher, with the position in each message."""

from __future__ import annotations

import asyncio
from types import TracebackType

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from application.feed.sink import SinkEnd, SinkRefused, SinkUnavailable, SunkMessage
from domain.log_position import position_of, position_text
from projections.engine.cancellation import check_cancelled

POSITION = "Daybook-Position"
PATIENCE = 5.0  # seconds for an answer
WRONG_LAST_SEQUENCE = 10071  # JetStream's error code
_UNREACHABLE = (NatsError, OSError, TimeoutError, ServiceUnavailableError)


class NatsSink:
    """Inside `async with`. `subject`: messages go to `<subject>.<type>`; `create`: a stream that is missing."""

    def __init__(self, url: str, stream: str, subject: str, *, create: bool = False) -> None:
        self._url, self._stream, self._subject, self._create = url, stream, subject, create
        self._client: Client | None = None

    async def __aenter__(self) -> NatsSink:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._close()

    async def end(self) -> SinkEnd:
        await self._close()  # nothing of an earlier connection is published after the end was read
        try:
            stream = await self._connect()
            sequence = await self._last_sequence(stream)
            return SinkEnd(0, 0) if sequence == 0 else await self._read(stream, sequence)
        except _UNREACHABLE as error:
            check_cancelled()
            raise SinkUnavailable(_told(error)) from error

    async def publish(self, message: SunkMessage, after: SinkEnd) -> SinkEnd:
        headers = {
            POSITION: position_text(message.position),
            "Nats-Expected-Stream": self._stream,
            "Nats-Expected-Last-Sequence": str(after.sequence),
        }
        if self._client is None:
            raise SinkUnavailable("not connected")
        stream = self._client.jetstream(timeout=PATIENCE)
        try:
            done = await stream.publish(f"{self._subject}.{message.type}", message.body, headers=headers)
        except APIError as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                raise SinkRefused(
                    f"The stream {self._stream} has grown by a message that is not of this sink: another publisher is "
                    "at work. Run one `daybook feed-sink` for a stream, and let nothing else publish to its subjects."
                ) from error
            raise SinkUnavailable(_told(error)) from error
        except _UNREACHABLE as error:
            check_cancelled()
            raise SinkUnavailable(_told(error)) from error
        return SinkEnd(message.position, done.seq)

    async def _connect(self) -> JetStreamContext:
        """A connection that does not come back by itself: after a failure, the end of the stream is read again."""
        async with asyncio.timeout(2 * PATIENCE):
            self._client = await nats.connect(
                self._url, name="daybook-feed-sink", allow_reconnect=False, connect_timeout=PATIENCE, error_cb=_nothing
            )
        return self._client.jetstream(timeout=PATIENCE)

    async def _last_sequence(self, stream: JetStreamContext) -> int:
        try:
            return int((await stream.stream_info(self._stream)).state.last_seq)
        except NotFoundError:
            if not self._create:
                raise SinkRefused(
                    f"There is no stream {self._stream}. `daybook feed-sink --create` makes it, for all events."
                ) from None
        subjects = [f"{self._subject}.>"]
        await stream.add_stream(StreamConfig(name=self._stream, subjects=subjects, storage=StorageType.FILE))
        return 0

    async def _read(self, stream: JetStreamContext, sequence: int) -> SinkEnd:
        try:
            position = _position(await stream.get_msg(self._stream, sequence))
        except NotFoundError:
            raise SinkRefused(
                f"The last message of the stream {self._stream} is gone: it was purged, or has expired. How far "
                "the feed was published is unknown. Delete the stream, then run `daybook feed-sink --create`."
            ) from None
        if position is None:
            raise SinkRefused(
                f"The last message of the stream {self._stream} has no {POSITION}: it is not of this sink. "
                "Use a stream of its own."
            )
        return SinkEnd(position, sequence)

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _nothing(_: Exception) -> None:
    """What the client says of a connection that breaks; the next call fails, and that is logged."""


def _position(message: RawStreamMsg) -> int | None:
    return position_of((message.headers or {}).get(POSITION, ""))


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
