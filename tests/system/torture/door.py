"""A door to a server that is away at times: who comes meanwhile is turned away, as by a closed port."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.support.faultproxy import FaultProxy


class Door(FaultProxy):
    """A FaultProxy whose server may be down."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            await super()._accept(client, to_client)
        except OSError:
            to_client.transport.abort()
