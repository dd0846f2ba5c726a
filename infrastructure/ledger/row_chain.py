"""The chain of a log of rows beside the events: each row with a digest, each call that recorded some under one seal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infrastructure.ledger.chain import Broken
from infrastructure.ledger.rows import LedgerPage, micros, number, page_of

_LOWEST = -(2**62)
_NUMBER = Struct(">q").pack
_PAGE = 1_000
ALL = 2**62


class RowChain(NamedTuple):
    """A log of rows. `rows`: a query of id, digest, time, and the bytes of the other columns, after an id.

    `seals`: a query of upto, since, time and hash, after a position; `prefix`: of each seal's hash.
    """

    name: str
    seal_name: str
    rows: str
    seals: str
    prefix: bytes

    async def verify(self, connection: AsyncConnection) -> int:
        """Recompute all digests and seals, in the caller's transaction; the number of rows. Raises Broken."""
        return (await self.advance(connection)).rows

    async def advance(self, connection: AsyncConnection, after: RowPass | None = None, most: int = ALL) -> RowPass:
        """Recompute the seals after those of an earlier pass, until they cover `most` rows. Raises Broken."""
        passed = RowPass() if after is None else after._replace(rows=0)
        since = passed.position or _LOWEST
        async with connection.cursor("chain_rows") as rows, connection.cursor("chain_seals") as seals:
            recorded = _Recorded(self.name, await page_of(rows, self.rows, since))
            sealed = await page_of(seals, self.seals, since - 1 if passed.position else since)
            if passed.position:
                await self._check_last(sealed, passed)
            passed = await self._verify(recorded, sealed, passed, most)
            if passed.whole and (row := await recorded.rest()):
                raise Broken(f"{self.name} {number(row[0][0])}: it is under no seal")
            return passed._replace(rows=recorded.count)

    async def _check_last(self, sealed: LedgerPage, passed: RowPass) -> None:
        """The seal at which the earlier pass ended must be what it was."""
        for upto, _, _, seal in await sealed.take(1):
            if number(upto) == passed.position and seal == passed.hash:
                return
        raise Broken(f"{self.seal_name} {passed.position}: it was changed or removed during the verification")

    async def _verify(self, recorded: _Recorded, sealed: LedgerPage, passed: RowPass, most: int) -> RowPass:
        previous, position = passed.hash, passed.position
        async for upto, since, at, seal in _each(sealed):
            name = f"{self.seal_name} {since and number(since)}-{number(upto)}"
            if since is None or number(since) != position + 1 or at is None:
                raise Broken(f"{name}: it does not follow position {position}")
            position = number(upto)
            digests = b"".join(await recorded.digests(position))
            sealed_by = since + upto + _NUMBER(micros(at))
            previous = sha256(self.prefix + previous + sealed_by + digests).digest()
            if seal != previous:
                raise Broken(f"{name}: its hash does not hold: a row was changed, added or removed")
            if recorded.count >= most:
                return RowPass(position, previous, whole=False)
        return RowPass(position, previous)


class RowPass(NamedTuple):
    """How far a log was verified: its last seal, and whether there is no other. `rows`: those of this pass."""

    position: int = 0
    hash: bytes = b""
    rows: int = 0
    whole: bool = True


class _Recorded:
    """The rows of a log, in order."""

    def __init__(self, name: str, page: LedgerPage) -> None:
        self._name, self._page = name, page
        self._next: list[tuple[Any, ...]] = []
        self.count = 0

    async def digests(self, upto: int) -> list[bytes]:
        """Those of the next rows, up to one; raises Broken for a row whose digest does not hold."""
        found = []
        while (rows := await self.rest()) and number(rows[0][0]) <= upto:
            found.append(self._checked(self._next.pop(0)))
        self.count += len(found)
        return found

    async def rest(self) -> list[tuple[Any, ...]]:
        """The next row, if any."""
        self._next = self._next or await self._page.take(1)
        return self._next

    def _checked(self, row: tuple[Any, ...]) -> bytes:
        id, digest, at, *columns = row
        parts = [id, _NUMBER(micros(at))]
        for part in columns:
            parts += [_NUMBER(-1 if part is None else len(part)), part or b""]
        if digest is None or digest != sha256(b"".join(parts)).digest():
            raise Broken(f"{self._name} {number(id)}: its digest does not hold")
        return bytes(digest)


async def _each(page: LedgerPage) -> AsyncIterator[tuple[Any, ...]]:
    while rows := await page.take(_PAGE):
        for row in rows:
            yield row
