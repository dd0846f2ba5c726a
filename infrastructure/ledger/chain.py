"""One pass over the seals of the log, side by side with its events and the keys of its commands."""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Sequence
from datetime import timedelta
from hashlib import sha256

from infrastructure.event_log.event_codec import seal_hash, sealed_keys
from infrastructure.ledger.rows import LedgerEvent, LedgerKey, LedgerRows, LedgerSeal
from infrastructure.ledger.tree import TreeRoot, leaf_hash

KEYS_LAST = timedelta(hours=24)
"""Command keys are pruned no earlier."""


class Broken(Exception):
    """The first violation."""


class ChainStart:
    """Where a pass begins: after the seal at `since`, whose hash and last key these are; None: of version 1."""

    def __init__(self, since: int, previous: bytes, keys_upto: int | None) -> None:
        self.since, self.previous, self.keys_upto = since, previous, keys_upto


class ChainPass:
    """From after a seal up to `end`. `now_micros`: the database's clock, since 1970.

    `hash`: of the last seal. `tree`: set before a pass from the first event on, it is filled with its leaves; `roots`:
    those after the batches that end at `wanted` positions.
    """

    def __init__(
        self, start: ChainStart, end: int, now_micros: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self.since = self.position = start.since
        self.hash = start.previous
        self._last_key = start.keys_upto
        self._end = end
        self._pruned_until = now_micros - KEYS_LAST // timedelta(microseconds=1)
        self._progress = progress
        self._keys_seen = False
        self.seals = self.keys = 0
        self.at: int | None = None
        self.tree: TreeRoot | None = None
        self.wanted: Container[int] = ()
        self.roots: dict[int, bytes] = {}

    @property
    def keys_upto(self) -> int:
        """The number of the last command key under a seal."""
        return self._last_key or 0

    async def through(self, rows: LedgerRows, last: int | None) -> None:
        """Up to the end of the batch that holds `last`; raises Broken."""
        while last is None or self.position < last:
            seal = await rows.seal()
            if seal is None:
                for event in await rows.events(1):
                    raise Broken(f"event {event.position}: it is under no seal")
                return
            await self._batch(seal, rows)
            if self._progress:
                self._progress(self.position - self.since, max(self._end, self.position) - self.since)

    async def _batch(self, seal: LedgerSeal, rows: LedgerRows) -> None:
        if seal.since != self.position + 1:
            raise Broken(f"{seal}: it does not follow position {self.position}")
        digests, untimely = [], 0
        while self.position < seal.upto:
            events = await rows.events(seal.upto - self.position)
            for event in events:
                digests.append(_checked(event, self.position + 1))
                self.position += 1
                if event.at != seal.at and not untimely:
                    untimely = self.position
            if not events:
                raise Broken(f"event {self.position + 1}: it is missing")
        self.hash = self._checked_hash(seal, b"".join(digests))
        if untimely:
            raise Broken(f"event {untimely}: its time is not that of {seal}")
        await self._check_keys(seal, rows)
        self.seals += 1
        self.at = seal.micros
        self._grow(seal, digests)

    def _grow(self, seal: LedgerSeal, digests: Sequence[bytes]) -> None:
        if self.tree is None or seal.since is None or seal.micros is None:
            return
        for position, digest in enumerate(digests, seal.since):
            self.tree.add(leaf_hash(digest, position, seal.micros))
        if seal.upto in self.wanted:
            self.roots[seal.upto] = self.tree.root()

    def _checked_hash(self, seal: LedgerSeal, digests: bytes) -> bytes:
        """The hash of a seal over these digests and the previous hash, by the rule of its version."""
        keys = self._sealed_keys(seal)
        if seal.since is not None and seal.micros is not None:
            try:
                expected = seal_hash(self.hash, seal.since, seal.upto, seal.micros, digests, keys)
            except struct.error:  # 'infinity' is a valid timestamp
                expected = b""
            if expected and seal.hash == expected:
                return expected
        raise Broken(f"{seal}: its hash does not hold")

    def _sealed_keys(self, seal: LedgerSeal) -> bytes | None:
        if seal.version == 1 and self._last_key is None and seal.keys_upto is None and seal.keys is None:
            return None
        if seal.version == 1:
            raise Broken(f"{seal}: its version is below that of the seal before")
        if seal.version != 2 or seal.keys_upto is None or seal.keys is None:
            raise Broken(f"{seal}: this release does not know its version")
        return sealed_keys(seal.keys_upto, seal.keys)

    async def _check_keys(self, seal: LedgerSeal, rows: LedgerRows) -> None:
        """The command keys under a seal: all of them as they were sealed, or all pruned, with those before."""
        if seal.keys_upto is None or seal.keys is None or seal.micros is None:
            return
        before, self._last_key = self._last_key or 0, seal.keys_upto
        found = await rows.keys(seal.keys_upto)
        if not found and not self._keys_seen and seal.micros <= self._pruned_until:
            return
        self._keys_seen = True
        self.keys += len(found)
        if [key.number for key in found] != list(range(before + 1, seal.keys_upto + 1)):
            raise Broken(f"{seal}: a command key is missing, or was added")
        if sha256(b"".join(key.sealed() for key in found)).digest() != seal.keys:
            raise Broken(f"{seal}: a command key was changed")


def check_unsealed(keys: Sequence[LedgerKey], after: int) -> None:
    """Command keys after the last seal, of commands without events: numbered without gaps. Raises Broken."""
    for expected, key in enumerate(keys, after + 1):
        if key.number != expected:
            raise Broken(f"command key {expected}: it is missing, or one was added")


def _checked(event: LedgerEvent, position: int) -> bytes:
    """The digest of an intact event at this position; raises Broken for any other."""
    if event.position != position:
        wrong = "is missing" if event.position > position else "is there twice"
        raise Broken(f"event {min(position, event.position)}: it {wrong}")
    if event.digest is None or event.digest != event.recomputed():
        raise Broken(f"event {position}: its digest does not hold")
    return event.digest
