"""HTTP/1.1 of uvicorn, with bounds: what is too large, too many or too slow ends with a problem, not with memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from application.event_log import Overloaded
from interfaces.http.framework.request_errors import (
    HeadersTooLarge,
    Malformed,
    RequestTimeout,
    UrlTooLong,
    kebab,
)
from interfaces.http.server.connections import Connections, Phase
from interfaces.http.server.joined_writes import JoinedWrites
from interfaces.http.server.limits import ServerLimits
from interfaces.http.server.refusals import REFUSED, Refused, written
from interfaces.http.server.shedding_protocol import SheddingProtocol


class BoundedProtocol(SheddingProtocol):
    """One connection. The parser reports whole headers alone, so that the bytes of an unfinished one count too."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        watch: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._watch, self._limits = watch, watch.limits
        self.phase, self.since = Phase.HEAD, self.loop.time()
        self._fields = self._fields_size = 0  # of the headers or trailers being read: their number, and bytes
        self._reading_fields = False
        self._sections = 0  # how often the parser began to read headers or trailers
        self._unfinished = 0  # bytes of reads that hold nothing but a part of the present section
        self.served = self._received = self._deaf = False
        self._unwanted = self._unread = 0
        self._read_at = self.since

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self.transport = JoinedWrites(self.transport, self.loop)
        if not self._watch.add(self):
            self._refuse(Overloaded("Too many connections. Try again."))
            self.loop.call_later(self._limits.linger_seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.discard(self)
        super().connection_lost(exc)

    def drop(self) -> None:
        REFUSED.labels("connections").inc()
        self.transport.abort()

    def check(self, now: float) -> None:
        if self._is_unread(now):
            self.transport.abort()
            return
        if self.flow.read_paused:
            self.since = now  # Daybook is late, not the client
        waited, limits = now - self.since, self._limits
        if self.phase is Phase.HEAD and waited > limits.head_seconds:
            self._too_slow("headers", limits.head_seconds)
        elif self.phase is Phase.BODY and waited > limits.body_seconds:
            self._too_slow("body", limits.body_seconds)
        elif self.phase is Phase.IDLE and waited > self.timeout_keep_alive:
            self._close()
        elif self.phase is Phase.CLOSING and waited > limits.linger_seconds and not self._unread:
            self.transport.abort()

    def _is_unread(self, now: float) -> bool:
        """Whether the client has read nothing of an answer for too long."""
        before, self._unread = self._unread, self.transport.get_write_buffer_size()
        if not self._unread or self._unread < before:
            self._read_at = now
        return now - self._read_at > self._limits.unread_seconds

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def shutdown(self) -> None:
        """End when the process does: after the request under way, or after the next one if that comes at once.

        A client that has just connected, or asks all the time, may have sent a request that is not read yet.
        """
        self.last = True
        if self.phase is Phase.IDLE or not self._received:
            self.timeout_keep_alive = self._limits.last_request_seconds
            self._enter(Phase.IDLE)
        elif self.phase is not Phase.HEAD:
            super().shutdown()

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, self.loop.time()

    # What arrives

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._received = True
        if self.phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        section, reading = self._sections, self._reading_fields
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserCallbackError as stopped:
            cause = stopped.__context__
            self._refuse(
                cause.refusal if isinstance(cause, Refused) else Malformed("This is not a valid HTTP request.")
            )
        except httptools.HttpParserUpgrade:
            pass  # answered as if the client had not asked for it
        except httptools.HttpParserError:
            self._refuse(Malformed("This is not a valid HTTP request."))
        else:
            self._count_unfinished(len(data), whole=reading and self._reading_fields and section == self._sections)

    def _count_unfinished(self, size: int, *, whole: bool) -> None:
        """Count a read that holds nothing but a part of one section of headers or trailers."""
        if not whole:
            return
        self._unfinished += size
        if self._unfinished > self._limits.head_bytes:
            self._refuse(self._too_large())

    def _begin_fields(self) -> None:
        self._sections += 1
        self._reading_fields, self._unfinished = True, 0

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.phase is not Phase.HEAD:
            self._enter(Phase.HEAD)
        if len(self.pipeline) >= self._limits.pipelined:
            raise Refused(Malformed(f"At most {self._limits.pipelined} requests may wait on one connection."))
        self._fields = self._fields_size = self._unwanted = 0
        self._begin_fields()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.url_bytes:
            raise Refused(UrlTooLong(f"A URL may have at most {self._limits.url_bytes} bytes."))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._fields_size += len(name) + len(value) + 4
        if self._fields > self._limits.headers:
            raise Refused(HeadersTooLarge(f"A request may have at most {self._limits.headers} headers."))
        if self._fields_size + len(self.url) > self._limits.head_bytes:
            raise Refused(self._too_large())
        if self.phase is Phase.HEAD:  # trailers are no headers: nothing in them may count as one
            super().on_header(name, value)

    def _too_large(self) -> HeadersTooLarge:
        return HeadersTooLarge(f"URL and headers may have at most {self._limits.head_bytes} bytes together.")

    def on_headers_complete(self) -> None:
        self._reading_fields = False
        super().on_headers_complete()
        if self.last:
            self.cycle.keep_alive = False
        self._enter(Phase.BODY)

    def on_chunk_header(self) -> None:
        """After the last chunk come trailers, else its body."""
        self._begin_fields()

    def on_chunk_complete(self) -> None:
        self._reading_fields = False

    def on_body(self, body: bytes) -> None:
        self._reading_fields = False
        if self.cycle.response_complete:
            self._unwanted += len(body)
            if self._unwanted > self._limits.unwanted_bytes:
                self._linger()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading_fields = False
        super().on_message_complete()
        self._enter(Phase.IDLE if self.cycle.response_complete else Phase.ANSWER)

    def on_response_complete(self) -> None:
        self.served = True
        super().on_response_complete()
        if self.phase is Phase.ANSWER and self.cycle.response_complete:
            self._enter(Phase.IDLE)

    # The end

    def _too_slow(self, part: str, seconds: float) -> None:
        if self.phase is Phase.HEAD and not self._received:
            self._close()  # no request, so no answer
        else:
            self._refuse(RequestTimeout(f"The {part} did not arrive within {seconds:g} s."))

    def _refuse(self, refusal: Exception) -> None:
        """Answer with a problem, and read no further."""
        if self._deaf or self.transport.is_closing():
            return
        REFUSED.labels(kebab(type(refusal))).inc()
        self._deaf = True
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if self.phase is not Phase.BODY and cycle is not None and not cycle.response_complete:
            last = self.pipeline[0][0] if self.pipeline else cycle
            last.keep_alive = False  # the requests before this one get their answers, then the connection ends
            return
        if self.phase is not Phase.BODY or self._give_up(self.cycle):
            self.transport.write(written(refusal))
        self._linger()

    def _give_up(self, cycle: RequestResponseCycle) -> bool:
        """Let the request of this body end as if the client had gone; whether it is to be answered now."""
        answerable = not cycle.response_started and not self.pipeline
        cycle.disconnected, cycle.waiting_for_100_continue = True, False
        cycle.message_event.set()
        return answerable

    def _linger(self) -> None:
        """Say that nothing more comes, and go on reading for a moment: closing at once would lose the answer."""
        if self.transport.is_closing():
            return
        self._enter(Phase.CLOSING)
        self._deaf = True
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        try:
            self.transport.write_eof()
        except (OSError, NotImplementedError):  # the client has gone; or TLS, which can't be half closed
            self.transport.close()

    def _close(self) -> None:
        """Close once the answer is read; `check` ends what takes too long."""
        if not self.transport.is_closing():
            self._enter(Phase.CLOSING)
            self.transport.close()


def bounded_protocol(limits: ServerLimits) -> type[asyncio.Protocol]:
    """The protocol class for uvicorn's `http`, whose connections share these limits."""
    made: Callable[..., BoundedProtocol] = partial(BoundedProtocol, watch=Connections(limits))
    return cast("type[asyncio.Protocol]", made)
