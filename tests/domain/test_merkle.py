"""The Merkle tree against the known answers of Certificate Transparency, and against a naive one."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmsdesk.domain.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of_list,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of Certificate Transparency (RFC 6962 and RFC 9162 hash alike): merkle_tree_test.cc
INPUTS = [
    bytes.fromhex(digits)
    for digits in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(data) for data in INPUTS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# names of the hashes that the paths are made of
H0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
H1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
H4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
H01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
H23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
H45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
H67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
H03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
H47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
PATHS = [
    (0, 1, []),
    (0, 8, [H1, H23, H47]),
    (5, 8, [H4, H67, H03]),
    (2, 3, [H01]),
    (1, 5, [H0, H23, H4]),
]
CONSISTENCY = [(1, 1, []), (1, 8, [H1, H23, H47]), (6, 8, [H45, H67, H03]), (2, 5, [H23, H4])]
ROOT_OF = root_of_list(LEAVES)


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 9162 §2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n) of RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b) of RFC 9162 §2.1.4.1."""
    if m == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], known), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


# --- known answers -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    one_by_one = CompactRange()
    for leaf in LEAVES[:size]:
        one_by_one.append(leaf)
    assert one_by_one.root().hex() == ROOTS[size]
    assert CompactRange.of(LEAVES[:size]).root().hex() == ROOTS[size]
    assert CompactRange(size, one_by_one.peaks).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_known_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in inclusion_proof(index, size, ROOT_OF)] == path
    assert verify_inclusion(
        index, size, LEAVES[index], [*map(bytes.fromhex, path)], bytes.fromhex(ROOTS[size])
    )


@pytest.mark.parametrize(("old", "size", "path"), CONSISTENCY)
def test_known_consistency_proofs(old: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in consistency_proof(old, size, ROOT_OF)] == path
    roots = (bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[size]))
    assert verify_consistency(old, size, *roots, [*map(bytes.fromhex, path)])


def test_known_peaks() -> None:
    assert CompactRange.of(LEAVES[:7]).peaks.hex() == H03 + H45 + LEAVES[6].hex()


# --- against the definition --------------------------------------------------------------------


def some_leaves(count: int) -> list[bytes]:
    return [leaf_hash(bytes([index % 251, index // 251])) for index in range(count)]


@settings(deadline=None)
@given(st.integers(1, 600), st.data())
def test_equals_the_naive_tree(size: int, data: st.DataObject) -> None:
    leaves = some_leaves(size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert CompactRange.of(leaves).root() == naive_root(leaves)
    assert inclusion_proof(index, size, root_of_list(leaves)) == naive_path(index, leaves)
    assert consistency_proof(old, size, root_of_list(leaves)) == naive_subproof(old, leaves, True)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=40))
def test_subtrees_can_be_appended_whole(levels: list[int]) -> None:
    leaves = some_leaves(16 * len(levels) + 64)
    tree, reached = CompactRange(), 0
    for level in levels:
        while reached % (1 << level):
            tree.append(leaves[reached])
            reached += 1
        tree.append(naive_root(leaves[reached : reached + (1 << level)]), level)
        reached += 1 << level
    assert tree.size == reached
    assert tree.root() == naive_root(leaves[:reached])


def test_a_subtree_begins_only_where_it_can() -> None:
    tree = CompactRange.of(some_leaves(3))
    with pytest.raises(ValueError, match="level 1"):
        tree.append(bytes(32), 1)


@pytest.mark.parametrize(("size", "peaks"), [(3, bytes(32)), (0, bytes(32)), (1, b""), (-1, b""), (1, b"x")])
def test_peaks_fit_their_size(size: int, peaks: bytes) -> None:
    with pytest.raises(ValueError):
        CompactRange(size, peaks)


def test_append_tells_the_subtrees_it_completes() -> None:
    leaves = some_leaves(8)
    tree = CompactRange.of(leaves[:7])
    assert tree.append(leaves[7]) == [leaves[7], *(naive_root(leaves[8 - n :]) for n in (2, 4, 8))]


# --- proofs that do not hold -------------------------------------------------------------------


def spoilt(proof: list[bytes]) -> list[list[bytes]]:
    changed = [[*proof[:at], EMPTY_ROOT, *proof[at + 1 :]] for at in range(len(proof))]
    longer = [[*proof, b""], [*proof, EMPTY_ROOT], [b"", *proof], [EMPTY_ROOT, *proof]]
    shorter = [proof[:-1], proof[1:]] if proof else []
    return changed + longer + shorter


@pytest.mark.parametrize("size", range(1, 34))
def test_wrong_inclusion_proofs_are_refused(size: int) -> None:
    leaves = some_leaves(size)
    root = naive_root(leaves)
    for index, leaf in enumerate(leaves):
        proof = inclusion_proof(index, size, root_of_list(leaves))
        assert verify_inclusion(index, size, leaf, proof, root)
        for other in {index - 1, index + 1, index ^ 2} - {index}:
            assert not verify_inclusion(other, size, leaf, proof, root)
        assert not verify_inclusion(index, size * 2, leaf, proof, root)
        assert not verify_inclusion(index, size // 2, leaf, proof, root)
        assert not verify_inclusion(index, size, leaf_hash(b"other"), proof, root)
        assert not verify_inclusion(index, size, leaf, proof, EMPTY_ROOT)
        assert not any(verify_inclusion(index, size, leaf, wrong, root) for wrong in spoilt(proof))


@pytest.mark.parametrize("size", range(1, 34))
def test_wrong_consistency_proofs_are_refused(size: int) -> None:
    leaves = some_leaves(size)
    root = naive_root(leaves)
    for old in range(1, size + 1):
        old_root = naive_root(leaves[:old])
        proof = consistency_proof(old, size, root_of_list(leaves))
        assert verify_consistency(old, size, old_root, root, proof)
        assert not any(verify_consistency(old, size, old_root, root, wrong) for wrong in spoilt(proof))
        assert not verify_consistency(old, size, EMPTY_ROOT, root, proof)
        assert not verify_consistency(old, size, old_root, EMPTY_ROOT, proof)
        if old == size:
            continue
        for other in {old - 1, old + 1, old ^ 2} - {old}:
            assert not verify_consistency(other, size, old_root, root, proof)
        assert not verify_consistency(old, size * 2, old_root, root, proof)
        assert not verify_consistency(old, size, root, old_root, proof)


def test_every_tree_continues_the_empty_one_and_none_an_other() -> None:
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert verify_consistency(0, 2, EMPTY_ROOT, naive_root(LEAVES[:2]), [])
    assert not verify_consistency(0, 2, bytes(32), naive_root(LEAVES[:2]), [])
    assert not verify_consistency(0, 2, EMPTY_ROOT, naive_root(LEAVES[:2]), [EMPTY_ROOT])
    assert not verify_consistency(2, 1, LEAVES[0], LEAVES[0], [])
    assert consistency_proof(0, 5, ROOT_OF) == []


def test_there_is_no_proof_for_what_is_not_there() -> None:
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError):
            inclusion_proof(index, size, ROOT_OF)
    with pytest.raises(ValueError):
        consistency_proof(6, 5, ROOT_OF)


def test_leaves_and_nodes_hash_apart() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])
