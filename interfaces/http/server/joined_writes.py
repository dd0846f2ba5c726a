"""A transport that sends the head of an answer together with the first part of its body: one system call, not two."""

from __future__ import annotations

import asyncio
from typing import Any


class JoinedWrites(asyncio.Transport):
    """What is written waits for the next write, and at most until the event loop has come round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._waiting: bytes | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._waiting is None:
            self._waiting = bytes(data)
            self._loop.call_soon(self._flush)
        else:
            joined, self._waiting = self._waiting + data, None
            self._transport.write(joined)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting:
            self._transport.write(waiting)

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._waiting = None
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + len(self._waiting or b"")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
