"""The tree's roots, paths and proofs are those of RFC 9162: compared with its definitions, written out recursively."""

import random
from base64 import b64encode
from functools import cache
from hashlib import sha256
from itertools import pairwise

import pytest
from pydantic_core import to_json

from infrastructure.ledger.tree import (
    EMPTY,
    Span,
    TreeRoot,
    consistency_spans,
    inclusion_spans,
    joined,
    leaf_hash,
    node_hash,
    subtrees,
    verify_consistency,
    verify_inclusion,
)

MOST = 1_100
LEAVES = [leaf_hash(sha256(b"%d" % n).digest(), n + 1, 1_900_000_000_000_000 + n) for n in range(MOST)]


@cache
def mth(first: int, end: int) -> bytes:
    """MTH(D[first:end]), section 2.1.1."""
    if end - first == 0:
        return sha256(b"").digest()
    if end - first == 1:
        return LEAVES[first]
    k = below(end - first)
    return sha256(b"\x01" + mth(first, first + k) + mth(first + k, end)).digest()


def below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, first: int, end: int) -> list[bytes]:
    """PATH(m, D[first:end]), section 2.1.3.1."""
    if end - first == 1:
        return []
    k = below(end - first)
    if m < k:
        return [*path(m, first, first + k), mth(first + k, end)]
    return [*path(m - k, first + k, end), mth(first, first + k)]


def subproof(m: int, first: int, end: int, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[first:end], known), section 2.1.4.1."""
    if m == end - first:
        return [] if known else [mth(first, end)]
    k = below(end - first)
    if m <= k:
        return [*subproof(m, first, first + k, known), mth(first + k, end)]
    return [*subproof(m - k, first + k, end, False), mth(first, first + k)]


def hashes(spans: list[Span]) -> list[bytes]:
    return [mth(*span) for span in spans]


def test_a_leaf_is_digest_position_and_time_and_a_node_both_below() -> None:
    digest = sha256(b"an event").digest()
    assert leaf_hash(digest, 3, -1) == sha256(b"\0" + digest + b"\0" * 7 + b"\3" + b"\xff" * 8).digest()
    assert node_hash(b"l", b"r") == sha256(b"\1lr").digest()
    assert TreeRoot().root() == EMPTY == mth(0, 0)


def test_the_root_of_every_size() -> None:
    tree = TreeRoot()
    for size, leaf in enumerate(LEAVES, 1):
        tree.add(leaf)
        assert (tree.size, tree.root()) == (size, mth(0, size))


def test_the_path_of_every_leaf_of_every_size() -> None:
    """The verifier takes a path for its own leaf and size alone; of a few leaves of each size."""
    chance = random.Random(7)
    for size in range(1, MOST + 1):
        root = mth(0, size)
        leaves = {0, size - 1, size // 2, chance.randrange(size)} if size > 64 else range(size)
        for m in leaves:
            found = hashes(inclusion_spans(m, size))
            assert found == path(m, 0, size)
            assert verify_inclusion(LEAVES[m], m, size, found, root)
            assert not verify_inclusion(LEAVES[m], m, size, found, mth(0, size - 1))
            assert not verify_inclusion(LEAVES[m], m, size, [*found, root], root)
            assert not verify_inclusion(LEAVES[m], m, size, found[:-1], root) or size == 1
            for other in {m - 1, m + 1, size, -1} - {m}:
                assert not verify_inclusion(LEAVES[m], other, size, found, root), (m, other, size)


def test_every_path_of_the_largest_size() -> None:
    for m in range(MOST):
        assert verify_inclusion(LEAVES[m], m, MOST, hashes(inclusion_spans(m, MOST)), mth(0, MOST))


def test_the_consistency_of_every_two_sizes() -> None:
    """Proofs of all pairs below 130, and of a few smaller trees for each size above."""
    chance = random.Random(11)
    for second in range(1, MOST + 1):
        roots = mth(0, second)
        some = {1, second, second - 1 or 1, below(second), chance.randint(1, second)}
        for first in range(1, second + 1) if second < 130 else some:
            proof = hashes(consistency_spans(first, second))
            assert proof == subproof(first, 0, second, True)
            assert verify_consistency(first, second, (mth(0, first), roots), proof)
            assert not verify_consistency(first, second, (roots, mth(0, first)), proof) or first == second
            assert not verify_consistency(first, second, (mth(0, first), roots), [*proof, roots])
            if proof:
                assert not verify_consistency(first, second, (mth(0, first), roots), proof[:-1])
                assert not verify_consistency(first, second, (mth(0, first), EMPTY), proof)


def test_a_changed_hash_of_a_path_or_proof_is_found() -> None:
    found, proof = hashes(inclusion_spans(700, MOST)), hashes(consistency_spans(700, MOST))
    for n in range(len(found)):
        assert not verify_inclusion(LEAVES[700], 700, MOST, [*found[:n], EMPTY, *found[n + 1 :]], mth(0, MOST))
    for n in range(len(proof)):
        changed = [*proof[:n], EMPTY, *proof[n + 1 :]]
        assert not verify_consistency(700, MOST, (mth(0, 700), mth(0, MOST)), changed)


def test_a_span_is_cut_into_the_fewest_full_subtrees() -> None:
    for first in range(40):
        for end in range(first, 90):
            cut = list(subtrees(Span(first, end)))
            assert [first, *(each.end for each in cut)] == [*(each.first for each in cut), end]
            for each in cut:
                assert each.size & (each.size - 1) == 0
                assert each.first % each.size == 0
            for left, right in pairwise(cut):
                assert not (left.size == right.size and left.first % (2 * left.size) == 0)
    assert joined(mth(*each) for each in subtrees(Span(0, 700))) == mth(0, 700)


@pytest.mark.parametrize("leaves", [0, -1, 3, 4])
def test_a_subtree_that_can_not_stand_there_is_refused(leaves: int) -> None:
    tree = TreeRoot()
    for leaf in LEAVES[:2]:
        tree.add(leaf)
    with pytest.raises(ValueError, match="begins at leaf 2"):
        tree.add(EMPTY, leaves)


def test_what_is_not_in_a_tree_has_no_path() -> None:
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="is not in a tree"):
            inclusion_spans(index, size)
    for first, second in ((0, 5), (6, 5)):
        with pytest.raises(ValueError, match="does not begin"):
            consistency_spans(first, second)
    assert not verify_consistency(0, 5, (EMPTY, mth(0, 5)), [])
    assert not verify_consistency(3, 5, (mth(0, 3), mth(0, 5)), [])


def test_a_path_is_below_a_kilobyte_at_a_million_leaves() -> None:
    """With the tree held as hashes of subtrees, level by level."""
    size, levels = 1_000_000, [[sha256(b"%d" % n).digest() for n in range(1_000_000)]]
    while len(levels[-1]) > 1:
        below_ = levels[-1]
        levels.append([node_hash(below_[n], below_[n + 1]) for n in range(0, len(below_) - 1, 2)])

    def hash_of(span: Span) -> bytes:
        return joined(levels[each.size.bit_length() - 1][each.first // each.size] for each in subtrees(span))

    root = hash_of(Span(0, size))
    for index in (0, 1, 4_711, 524_287, 524_288, 777_777, size - 1):
        path = [hash_of(span) for span in inclusion_spans(index, size)]
        assert verify_inclusion(levels[0][index], index, size, path, root)
        assert len(b"".join(path)) <= 640
        assert len(to_json([b64encode(each).decode() for each in path])) < 1_000
    for first in (1, 65_536, 999_999):
        proof = [hash_of(span) for span in consistency_spans(first, size)]
        assert verify_consistency(first, size, (hash_of(Span(0, first)), root), proof)
