"""The Merkle tree of RFC 9162, section 2.1: one root over a list, and short proofs about both.

All here are pure functions over SHA-256 hashes of 32 bytes. Who has the root of a list can be shown that an
entry is in it (inclusion), and that a longer list only continues it (consistency), by as many hashes as the
tree is high.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

SIZE = 32
"""Octets of a hash."""
EMPTY = hashlib.sha256().digest()
"""Root of the empty list."""

Levels = Sequence[Sequence[bytes]]


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry; the 0 before it keeps a node from passing for an entry.

    Examples
    --------
    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\0" + entry).digest()


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The hashes of a tree, leaves first, one list a level; a node without a neighbor moves up unchanged."""
    made = [list(leaves)]
    while len(made[-1]) > 1:
        below = made[-1]
        above = [_node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        made.append(above + below[len(below) - len(below) % 2 :])
    return made


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes.

    Examples
    --------
    >>> root([]) == EMPTY
    True
    >>> root([leaf_hash(b"a")]) == leaf_hash(b"a")
    True
    """
    return levels(leaves)[-1][0] if leaves else EMPTY


def root_of_first(of: Levels, size: int) -> bytes:
    """The root over the first `size` leaves of a tree."""
    made = b""
    for height, level in enumerate(of):
        if size >> height & 1:
            node = level[(size >> height) - 1]
            made = _node(node, made) if made else node
    return made or EMPTY


def inclusion(of: Levels, place: int) -> list[bytes]:
    """The proof that a leaf is in a tree, nearest hash first (RFC 9162, section 2.1.3.1).

    Parameters
    ----------
    of : list of list of bytes
        As `levels` makes it.
    place : int
        Of the leaf, counted from 0.
    """
    path = list[bytes]()
    for level in of[:-1]:
        if place ^ 1 < len(level):
            path.append(level[place ^ 1])
        place >>= 1
    return path


def consistency(of: Levels, size: int) -> list[bytes]:
    """The proof that a tree only continues its first `size` leaves (RFC 9162, section 2.1.4.1).

    Parameters
    ----------
    of : list of list of bytes
        As `levels` makes it.
    size : int
        From 0 to the number of leaves; both ends need no hash.
    """
    if size in (0, len(of[0])):
        return []
    node, height = size - 1, 0
    while node & 1:
        node, height = node >> 1, height + 1
    path = [of[height][node]] if node else []
    for level in of[height:-1]:
        if node ^ 1 < len(level):
            path.append(level[node ^ 1])
        node >>= 1
    return path


def includes(root: bytes, size: int, place: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that a leaf is in a tree (RFC 9162, section 2.1.3.2).

    Parameters
    ----------
    root : bytes
    size : int
        Number of leaves.
    place : int
        Of the leaf, counted from 0.
    leaf : bytes
        Its hash.
    path : sequence of bytes

    Examples
    --------
    >>> one, two = leaf_hash(b"a"), leaf_hash(b"b")
    >>> includes(root([one, two]), 2, 1, two, [one]), includes(root([one, two]), 2, 0, two, [one])
    (True, False)
    """
    if not 0 <= place < size:
        return False
    node, last, made = place, size - 1, leaf
    for one in path:
        if not last:
            return False
        if node & 1 or node == last:
            made = _node(one, made)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            made = _node(made, one)
        node, last = node >> 1, last >> 1
    return not last and made == root


def continues(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether a proof shows that one tree only continues another (RFC 9162, section 2.1.4.2).

    Parameters
    ----------
    old, new : (int, bytes)
        Number of leaves, and root.
    path : sequence of bytes
    """
    (size, before), (grown, after) = old, new
    if size == grown or not size:
        return not path and before == (after if size else EMPTY) and 0 <= size <= grown
    if not 0 < size < grown:
        return False
    hashes = [before, *path] if size & size - 1 == 0 else list(path)
    node, last = size - 1, grown - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not hashes:
        return False
    first = second = hashes[0]
    for one in hashes[1:]:
        if not last:
            return False
        if node & 1 or node == last:
            first, second = _node(one, first), _node(one, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = _node(second, one)
        node, last = node >> 1, last >> 1
    return not last and first == before and second == after


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
