"""Chance as a keyed hash: the same key, salt and person always give the same numbers."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
WORDS = 8
"""Numbers of eight bytes in the longest digest of BLAKE2b."""


def uniforms(persons: Ids, salt: str, key: bytes = b"") -> Floats:
    """One number in [0, 1) for each person, independent across persons, salts and keys.

    The first 53 bits of an 8-byte BLAKE2b (RFC 7693) of the person's id, keyed, with a digest of the salt
    as personalization. An engine's own ``hash(id, seed)`` is not used: it is correlated across seeds.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    salt : str
        Name of the experiment or plan; another salt gives unrelated numbers.
    key : bytes
        At most 64 bytes. Without it the numbers can be computed by anyone who knows the salt.

    Returns
    -------
    array of float, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> people = np.array([1, 2, 3])
    >>> bool((uniforms(people, "a") == uniforms(people, "a")).all())
    True
    """
    return _fractions(_words(persons, salt, key, 0, 1))[:, 0]


def uniform_rows(persons: Ids, count: int, salt: str, key: bytes = b"") -> Floats:
    """Several numbers in [0, 1) for each person, independent like those of `uniforms`, and of them.

    A 64-byte BLAKE2b gives eight numbers at the price of one: the first 53 bits of each eight bytes. Where
    more are asked for, BLAKE2's own salt counts the digests of a person from 0.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    count : int
        Numbers for each person; those that a smaller count gives come first.
    salt, key
        As in `uniforms`.

    Returns
    -------
    array of float, shape (n, count)

    Examples
    --------
    >>> import numpy as np
    >>> uniform_rows(np.array([1, 2, 3]), 4, "a").shape
    (3, 4)
    """
    rows = np.empty((len(persons), count))
    for turn, start in enumerate(range(0, count, WORDS)):
        part = rows[:, start : start + WORDS]
        part[:] = _fractions(_words(persons, salt, key, turn, WORDS)[:, : part.shape[1]])
    return rows


def _words(persons: Ids, salt: str, key: bytes, turn: int, count: int) -> Words:
    """The digest of each person as `count` whole numbers of 64 bits."""
    about = blake2b(salt.encode(), digest_size=16).digest()
    begun = blake2b(digest_size=8 * count, key=key, person=about, salt=turn.to_bytes(16, "little"))
    digests = bytearray()
    for person in np.ascontiguousarray(persons, "<i8").view("V8").tolist():
        hashed = begun.copy()  # reading key and salt anew for everybody would take half as long again
        hashed.update(person)
        digests += hashed.digest()
    return np.frombuffer(digests, "<u8").reshape(-1, count)


def _fractions(words: Words) -> Floats:
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
