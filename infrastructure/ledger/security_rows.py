"""The chain of the security log: its rows, each with a digest, under a seal for each call that recorded some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from struct import Struct
from typing import Any

from psycopg import AsyncConnection

from infrastructure.ledger.chain import Broken
from infrastructure.ledger.rows import LedgerPage, micros, number, page_of

_ROWS = """
    SELECT id, digest, at, convert_to(kind, 'UTF8'), uuid_send(account_id), network, convert_to(facts::text, 'UTF8')
    FROM auth.security_log WHERE id > %s ORDER BY id"""
_SEALS = "SELECT upto, since, at, hash FROM auth.security_seal WHERE upto > %s ORDER BY upto"
_LOWEST = -(2**62)
_NUMBER = Struct(">q").pack
_PAGE = 1_000


async def verify_security_log(connection: AsyncConnection) -> int:
    """Recompute all digests and seals, in the caller's transaction; the number of rows. Raises Broken."""
    async with connection.cursor("security_rows") as rows, connection.cursor("security_seals") as seals:
        recorded = _Recorded(await page_of(rows, _ROWS, _LOWEST))
        sealed = await page_of(seals, _SEALS, _LOWEST)
        previous, position = b"", 0
        async for upto, since, at, seal in _each(sealed):
            name = f"security seal {since and number(since)}-{number(upto)}"
            if since is None or number(since) != position + 1 or at is None:
                raise Broken(f"{name}: it does not follow position {position}")
            position = number(upto)
            digests = b"".join(await recorded.digests(position))
            sealed_by = since + upto + _NUMBER(micros(at))
            previous = sha256(b"daybook security 1" + previous + sealed_by + digests).digest()
            if seal != previous:
                raise Broken(f"{name}: its hash does not hold: a row was changed, added or removed")
        for row in await recorded.rest():
            raise Broken(f"security log {number(row[0])}: it is under no seal")
        return recorded.count


class _Recorded:
    """The rows of the security log, in order."""

    def __init__(self, page: LedgerPage) -> None:
        self._page = page
        self._next: list[tuple[Any, ...]] = []
        self.count = 0

    async def digests(self, upto: int) -> list[bytes]:
        """Those of the next rows, up to one; raises Broken for a row whose digest does not hold."""
        found = []
        while (rows := await self.rest()) and number(rows[0][0]) <= upto:
            found.append(_checked(self._next.pop(0)))
        self.count += len(found)
        return found

    async def rest(self) -> list[tuple[Any, ...]]:
        """The next row, if any."""
        self._next = self._next or await self._page.take(1)
        return self._next


async def _each(page: LedgerPage) -> AsyncIterator[tuple[Any, ...]]:
    while rows := await page.take(_PAGE):
        for row in rows:
            yield row


def _checked(row: tuple[Any, ...]) -> bytes:
    id, digest, at, kind, account_id, network, facts = row
    parts = [id, _NUMBER(micros(at))]
    for part in (kind, account_id, network, facts):
        parts += [_NUMBER(-1 if part is None else len(part)), part or b""]
    if digest is None or digest != sha256(b"".join(parts)).digest():
        raise Broken(f"security log {number(id)}: its digest does not hold")
    return bytes(digest)
