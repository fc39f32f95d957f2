"""Chance that is counted, not drawn: a number for each resident and purpose, in any order and any chunks."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


def bits(seed: int, purpose: str, numbers: Numbers) -> npt.NDArray[np.uint64]:
    """64 bits for each number: SplitMix64 (Steele, Lea, Flood 2014, OOPSLA), read at a counter.

    Parameters
    ----------
    seed : int
    purpose : str
        Another purpose gives unrelated bits.
    numbers : array of int64, shape (n,)

    Returns
    -------
    array of uint64, shape (n,)

    Examples
    --------
    >>> every = bits(1, "age", np.arange(5))
    >>> bool((bits(1, "age", np.array([4, 2])) == every[[4, 2]]).all())
    True
    """
    start = np.frombuffer(blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest(), "<u8")
    mixed = start + (numbers.astype(np.uint64) + np.uint64(1)) * _STEP
    for shift, factor in _ROUNDS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
    return mixed ^ (mixed >> np.uint64(31))


def uniforms(seed: int, purpose: str, numbers: Numbers) -> Floats:
    """One number in [0, 1) for each, with 53 bits."""
    return (bits(seed, purpose, numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def picks(seed: int, purpose: str, numbers: Numbers, choices: int) -> Numbers:
    """One of 0 to choices - 1 for each, all equally likely."""
    return (uniforms(seed, purpose, numbers) * choices).astype(np.int64)
