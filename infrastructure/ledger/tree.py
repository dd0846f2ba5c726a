"""The tree over the log: RFC 9162, section 2.1. Leaf n is the event at position n + 1. Nothing here reads or writes.

Paths and proofs are told as spans of leaves, whose hashes the caller looks up; so a tree need not be in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

_NUMBER = Struct(">q").pack
EMPTY = sha256().digest()
"""The root of a tree without leaves."""


class Span(NamedTuple):
    """Leaves `first` up to, but not including, `end`."""

    first: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.first


def leaf_hash(digest: bytes, position: int, micros: int) -> bytes:
    """The hash of an event's leaf. `micros`: of `recorded_at`, since 1970."""
    return sha256(b"\0" + digest + _NUMBER(position) + _NUMBER(micros)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two neighbouring subtrees."""
    return sha256(b"\1" + left + right).digest()


class TreeRoot:
    """Computes a root while leaves, or whole subtrees, come from left to right. It keeps one hash a level."""

    def __init__(self) -> None:
        self._right: list[tuple[int, bytes]] = []  # leaves and node of each subtree, the largest first
        self.size = 0

    def add(self, node: bytes, leaves: int = 1) -> None:
        """The next subtree; raises ValueError unless one of `leaves` can stand there."""
        if leaves < 1 or leaves & (leaves - 1) or self.size % leaves:
            raise ValueError(f"no subtree of {leaves} leaves begins at leaf {self.size}")
        self.size += leaves
        while self._right and self._right[-1][0] == leaves:
            node = node_hash(self._right.pop()[1], node)
            leaves *= 2
        self._right.append((leaves, node))

    def root(self) -> bytes:
        """The root over the leaves so far."""
        return joined(node for _, node in self._right)


def joined(hashes: Iterable[bytes]) -> bytes:
    """The root over neighbouring subtrees that get smaller, as `subtrees` cuts them."""
    *larger, found = list(hashes) or [EMPTY]
    for node in reversed(larger):
        found = node_hash(node, found)
    return found


def subtrees(span: Span) -> Iterator[Span]:
    """The fewest full subtrees that make up a span, from left to right."""
    first = span.first
    while first < span.end:
        most = 1 << (span.end - first).bit_length() - 1
        size = min(first & -first or most, most)
        yield Span(first, first + size)
        first += size


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans whose hashes are the path of leaf `index` in a tree of `size` leaves: RFC 9162, 2.1.3.1."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path, within = [], Span(0, size)
    while within.size > 1:
        left, right = _split(within)
        other, within = (right, left) if index < left.end else (left, right)
        path.append(other)
    return path[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """The spans whose hashes prove that a tree of `first` leaves begins one of `second`: RFC 9162, 2.1.4.1."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {first} leaves does not begin one of {second}")
    proof, within = [], Span(0, second)
    while first != within.end:
        left, right = _split(within)
        other, within = (right, left) if first <= left.end else (left, right)
        proof.append(other)
    return ([] if within.first == 0 else [within]) + proof[::-1]


def _split(span: Span) -> tuple[Span, Span]:
    """At the largest power of two below the span's size."""
    middle = span.first + (1 << (span.size - 1).bit_length() - 1)
    return Span(span.first, middle), Span(middle, span.end)


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from leaf `index` to the root of a tree of `size` leaves: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for node in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(node, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, node)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(first: int, second: int, roots: tuple[bytes, bytes], proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the first tree begins the second: RFC 9162, 2.1.4.2."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and roots[0] == roots[1]
    hashes = [roots[0], *proof] if first & (first - 1) == 0 else list(proof)
    if not hashes:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    older = newer = hashes[0]
    for node in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = node_hash(node, older), node_hash(node, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, node)
        at, last = at >> 1, last >> 1
    return last == 0 and (older, newer) == roots
