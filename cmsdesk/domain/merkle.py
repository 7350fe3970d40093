"""Merkle trees as in Certificate Transparency (RFC 9162 §2.1, SHA-256): hashes, proofs and their checks.

A tree is known by its *compact range*: the roots of the complete subtrees it consists of, at most
one for each power of two. That is all an appender has to keep. Proofs ask for the roots of ranges
of leaves; where those come from (a list, a table) is the caller's business (`RootOf`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Self

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 9162 §2.1.1)."""

_LEAF = b"\x00"
_NODE = b"\x01"

RootOf = Callable[[int, int], bytes]
"""Returns the root of leaves [first, end), where ``first`` is a multiple of a power of two ≥ their number."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf's input (RFC 9162 §2.1.1)."""
    return sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 9162 §2.1.1)."""
    return sha256(_NODE + left + right).digest()


class CompactRange:
    """An append-only tree that keeps only the roots of its complete subtrees: O(log n) hashes."""

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: bytes = b"") -> None:
        """Continue a tree of ``size`` leaves; ``peaks`` is what `peaks` gave then.

        Raises:
            ValueError: not as many hashes as ``size`` has bits set.
        """
        if size < 0 or len(peaks) != size.bit_count() * HASH_BYTES:
            raise ValueError("the peaks do not fit the size")
        self._size = size
        self._peaks = [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)]

    @classmethod
    def of(cls, leaf_hashes: Iterable[bytes]) -> Self:
        """Return the tree over leaf hashes."""
        tree = cls()
        tree.extend(leaf_hashes)
        return tree

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def peaks(self) -> bytes:
        """Roots of the complete subtrees, largest first, 32 bytes each."""
        return b"".join(self._peaks)

    def append(self, root: bytes, level: int = 0) -> list[bytes]:
        """Append a leaf hash, or the root of a complete subtree of 2^level leaves.

        Returns the roots of all complete subtrees that end here, from ``level`` upwards.

        Raises:
            ValueError: a subtree of this level cannot begin at this size.
        """
        carry, below = self._size >> level, self._size & (1 << level) - 1
        if below:
            raise ValueError(f"no subtree of level {level} begins at leaf {self._size}")
        completed = [root]
        while carry & 1:
            root = sha256(_NODE + self._peaks.pop() + root).digest()
            completed.append(root)
            carry >>= 1
        self._peaks.append(root)
        self._size += 1 << level
        return completed

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append leaf hashes; the fast way when nobody asks for the subtrees."""
        size, peaks, digest = self._size, self._peaks, sha256
        for node in leaf_hashes:
            carry = size
            while carry & 1:
                node = digest(_NODE + peaks.pop() + node).digest()  # noqa: PLW2901 - folding upwards
                carry >>= 1
            peaks.append(node)
            size += 1
        self._size = size

    def root(self) -> bytes:
        """Return the tree's root hash."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of_list(leaf_hashes: Sequence[bytes]) -> RootOf:
    """Return a `RootOf` over leaf hashes in memory."""

    def root_of(first: int, end: int) -> bytes:
        return CompactRange.of(leaf_hashes[first:end]).root()

    return root_of


# --- making proofs -----------------------------------------------------------------------------


def inclusion_proof(index: int, size: int, root_of: RootOf) -> list[bytes]:
    """Return the path from leaf ``index`` to the root of the first ``size`` leaves (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    first, end = 0, size
    ranges = []
    while end - first > 1:
        middle = first + _left_size(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return [root_of(*found) for found in reversed(ranges)]


def consistency_proof(old_size: int, size: int, root_of: RootOf) -> list[bytes]:
    """Return the proof that the first ``size`` leaves begin with the first ``old_size`` (RFC 9162 §2.1.4.1).

    Between a tree and the empty one there is nothing to prove: the proof is empty.

    Raises:
        ValueError: ``old_size`` is negative or larger than ``size``.
    """
    if not 0 <= old_size <= size:
        raise ValueError(f"a tree of {size} does not continue one of {old_size}")
    if old_size == 0:
        return []
    first, end, left_edge = 0, size, True
    ranges = []
    while end != old_size:
        middle = first + _left_size(end - first)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first, left_edge = middle, False
    # the old root itself is left out: the verifier has it
    if not left_edge:
        ranges.append((first, end))
    return [root_of(*found) for found in reversed(ranges)]


def _left_size(size: int) -> int:
    """Return the largest power of two smaller than ``size`` (RFC 9162 §2.1.1)."""
    return 1 << (size - 1).bit_length() - 1


# --- checking proofs ---------------------------------------------------------------------------


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether ``leaf`` (a leaf hash) is number ``index`` in the tree (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or any(len(step) != HASH_BYTES for step in (leaf, *proof)):
        return False
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the tree of ``size`` continues the one of ``old_size`` (RFC 9162 §2.1.4.2).

    Every tree continues the empty one, which the RFC leaves open: a desk begins with that.
    """
    if not 0 <= old_size <= size or any(len(step) != HASH_BYTES for step in proof):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (size > 0 or root == EMPTY_ROOT)
    if old_size == size:
        return not proof and old_root == root
    # step 2: an old tree that is one complete subtree is its own first node
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    return _continues(node, last, path, old_root, root)


def _continues(node: int, last: int, path: Sequence[bytes], old_root: bytes, root: bytes) -> bool:
    """Steps 5 to 7 of RFC 9162 §2.1.4.2."""
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == root
