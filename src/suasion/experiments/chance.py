"""Chance as a keyed hash: the same key, salt and person always give the same number."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt


def uniforms(persons: npt.NDArray[np.int64], salt: str, key: bytes = b"") -> npt.NDArray[np.float64]:
    """One number in [0, 1) for each person, independent across persons, salts and keys.

    The first 53 bits of BLAKE2b (RFC 7693) of the person's id, keyed, with a digest of the salt as
    personalization. An engine's own ``hash(id, seed)`` is not used: it is correlated across seeds.

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
    person = blake2b(salt.encode(), digest_size=16).digest()
    data = np.ascontiguousarray(persons, "<i8").tobytes()
    hashed = b"".join(
        blake2b(data[i : i + 8], digest_size=8, key=key, person=person).digest()
        for i in range(0, len(data), 8)
    )
    return (np.frombuffer(hashed, "<u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53
