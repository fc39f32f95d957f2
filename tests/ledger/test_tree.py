"""The tree is that of RFC 9162: as its text defines it, by public vectors, and no other proof passes."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.ledger import tree

# What follows is section 2.1 of RFC 9162, word for word, and nothing of ours.


def mth(entries: Sequence[bytes]) -> bytes:
    """MTH(D[n])."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return subproof(m, entries, True)


def subproof(m: int, entries: Sequence[bytes], b: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(entries):
        return [] if b else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], b), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


# The eight entries and the roots of their first n that test implementations of RFC 6962 and 9162
# (certificate-transparency, transparency-dev/merkle: testdata and rfc6962 tests).
ENTRIES = [
    bytes.fromhex(said)
    for said in (
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
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZES = st.integers(1, 70)


def entries_of(n: int) -> list[bytes]:
    return [b"entry %d" % i for i in range(n)]


def leaves_of(entries: Sequence[bytes]) -> list[bytes]:
    return [tree.leaf_hash(one) for one in entries]


@pytest.mark.parametrize("n", range(1, 9))
def test_the_roots_of_the_public_vectors_are_found(n: int):
    assert tree.root(leaves_of(ENTRIES[:n])).hex() == ROOTS[n - 1] == mth(ENTRIES[:n]).hex()


def test_the_empty_tree_is_the_hash_of_nothing():
    assert tree.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.root_of_first(tree.levels([]), 0) == tree.root([])


def test_public_proofs_of_inclusion_are_made():
    """Entry 0 and entry 5 of 8 (certificate-transparency: merkle_tree_test)."""
    levels = tree.levels(leaves_of(ENTRIES))
    assert [one.hex() for one in tree.inclusion(levels, 0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [one.hex() for one in tree.inclusion(levels, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ]


def test_public_proofs_of_consistency_are_made():
    """From 6 to 8, and from 2 to 5 (certificate-transparency: merkle_tree_test)."""
    assert [one.hex() for one in tree.consistency(tree.levels(leaves_of(ENTRIES)), 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ]
    assert [one.hex() for one in tree.consistency(tree.levels(leaves_of(ENTRIES[:5])), 2)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]


@given(SIZES, st.data())
def test_roots_and_proofs_are_those_that_the_rfc_defines(n: int, data: st.DataObject):
    entries = entries_of(n)
    levels, leaves = tree.levels(leaves_of(entries)), leaves_of(entries)
    m = data.draw(st.integers(0, n - 1))
    assert tree.root(leaves) == mth(entries)
    assert tree.root_of_first(levels, m) == mth(entries[:m])
    assert tree.inclusion(levels, m) == path(m, entries)
    assert tree.includes(mth(entries), n, m, leaves[m], path(m, entries))
    assert tree.consistency(levels, m + 1) == proof(m + 1, entries)
    assert tree.continues((m + 1, mth(entries[: m + 1])), (n, mth(entries)), proof(m + 1, entries))
    assert tree.continues((0, tree.EMPTY), (n, mth(entries)), [])


Mutation = Callable[[random.Random, list[bytes]], list[bytes]]


def bit(luck: random.Random, hashes: list[bytes]) -> list[bytes]:
    if not hashes:
        return [bytes(32)]
    at, octet = luck.randrange(len(hashes)), luck.randrange(32)
    one = bytearray(hashes[at])
    one[octet] ^= 1 << luck.randrange(8)
    return [*hashes[:at], bytes(one), *hashes[at + 1 :]]


def cut(luck: random.Random, hashes: list[bytes]) -> list[bytes]:
    at = luck.randrange(len(hashes) + 1)
    return (
        hashes[:at] + hashes[at + 1 :] if at < len(hashes) else [*hashes, hashes[-1] if hashes else bytes(32)]
    )


def inserted(luck: random.Random, hashes: list[bytes]) -> list[bytes]:
    at = luck.randrange(len(hashes) + 1)
    return [*hashes[:at], luck.randbytes(32), *hashes[at:]]


def swapped(luck: random.Random, hashes: list[bytes]) -> list[bytes]:
    return hashes[::-1] if len(hashes) > 1 else [*hashes, *hashes, b""]


MUTATIONS: tuple[Mutation, ...] = (bit, cut, inserted, swapped)


def test_ten_thousand_mutated_proofs_of_inclusion_are_refused():
    luck, refused = random.Random(1), 0
    while refused < 10_000:
        n = luck.randint(1, 64)
        entries = entries_of(n)
        leaves, at = leaves_of(entries), luck.randrange(n)
        root, right = mth(entries), path(at, entries)
        said = (root, n, at, leaves[at], right)
        assert tree.includes(*said)
        for other in (
            (root, n, at, leaves[at], luck.choice(MUTATIONS)(luck, right)),
            (bit(luck, [root])[0], n, at, leaves[at], right),
            (root, n, at, bit(luck, [leaves[at]])[0], right),
            (root, n, luck.choice([-1, n, at + n, 2**70]), leaves[at], right),
            (root, n, (at + luck.randint(1, 2 * n)) % (2 * n + 1) - n - 1, leaves[at], right),
            (root, luck.choice([0, at, -n]), at, leaves[at], right),
        ):
            if other[:3] == said[:3] and other[3:] == said[3:]:
                continue
            assert not tree.includes(*other), other
            refused += 1


def test_ten_thousand_mutated_proofs_of_consistency_are_refused():
    luck, refused = random.Random(2), 0
    while refused < 10_000:
        n = luck.randint(2, 64)
        m, entries = luck.randint(1, n - 1), entries_of(n)
        old, new, right = (m, mth(entries[:m])), (n, mth(entries)), proof(m, entries)
        assert tree.continues(old, new, right)
        fork = [*entries[: m - 1], b"another", *entries[m:]]
        for other in (
            (old, new, luck.choice(MUTATIONS)(luck, right)),
            ((m, bit(luck, [old[1]])[0]), new, right),
            (old, (n, bit(luck, [new[1]])[0]), right),
            (new, old, right),
            ((luck.choice([0, -m, n, n + 1]), old[1]), new, right),
            (old, (luck.choice([0, m, -n]), new[1]), right),
            (old, (n, mth(fork)), proof(m, fork)),
            ((m, mth(fork[:m])), new, right),
        ):
            assert not tree.continues(*other), (m, n, other)
            refused += 1


def test_a_node_does_not_pass_for_an_entry():
    """The second preimage that the 0 and the 1 before what is hashed keep away (section 2.1.1)."""
    entries = entries_of(4)
    node = mth(entries[:2]) + mth(entries[2:])
    assert tree.leaf_hash(node) != mth(entries)
    assert not tree.includes(mth(entries), 1, 0, tree.leaf_hash(node), [])
