"""Regular fractions of two-level designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np

from suasion.errors import UndefinedError
from suasion.experiments.factorial.coding import Ids
from suasion.experiments.factorial.parts import ASKED, Factorial, Part, allowed, measured

MOST = 50_000
"""More choices of generators are not searched."""


def fraction(parts: Sequence[Part], size: int, forbidden: Sequence[Mapping[str, str]] = ()) -> Factorial:
    """A regular fraction 2^(k-p) of k parts with two levels, of minimum aberration.

    The first k - p parts take all combinations; each other one follows from a product of theirs. Of all
    choices of products the one with the fewest short words is taken: the highest resolution, then the least
    mixed.

    Source: Box and Hunter 1961, Technometrics 3:311; Fries and Hunter 1980, Technometrics 22:601.

    Parameters
    ----------
    parts : sequence of Part
        Of two levels each.
    size : int
        Treatments: a power of 2, more than there are parts.
    forbidden : sequence of mapping of str to str
        Levels of parts that may not come together. A fraction that holds none is found by exchanging which
        half of each product is sent.

    Returns
    -------
    Factorial

    Raises
    ------
    UndefinedError
        Parts of more levels, a size that is no such power, or no fraction without a forbidden combination.

    Examples
    --------
    >>> made = fraction([Part(name, ("-", "+")) for name in "ABCD"], size=8)
    >>> made.sentence
    '8 of 16 combinations, resolution IV: no part is mixed with a pair of parts. Pairs are mixed with \
pairs: A x B = C x D; A x C = B x D; A x D = B x C.'
    """
    permitted = {tuple(row) for row in allowed(parts, forbidden).tolist()}
    count, basic = len(parts), size.bit_length() - 1
    if any(len(part.levels) != 2 for part in parts):
        raise UndefinedError(ASKED, "a part of more than two levels", "Take `optimal` for those.")
    if size != 2**basic or not count < size < 2**count:
        found = f"{size} treatments for {count} parts"
        raise UndefinedError(ASKED, found, "Give a power of 2 between them and all combinations.")
    chosen = _generators(count, basic)
    words = sorted(_words(chosen, basic), key=lambda word: (word.bit_count(), word))
    named = tuple(tuple(part.name for i, part in enumerate(parts) if word >> i & 1) for word in words)
    for signs in range(2 ** len(chosen)):
        levels = _levels(chosen, basic, signs)
        if permitted.issuperset(map(tuple, levels.tolist())):
            return measured(parts, levels, named)
    raise UndefinedError(ASKED, "a forbidden combination in every such fraction", "Take `optimal`.")


def _generators(count: int, basic: int) -> tuple[int, ...]:
    """The product that each further part follows, as bits of the basic parts."""
    products = [bits for bits in range(2**basic) if bits.bit_count() > 1]
    if comb(len(products), count - basic) > MOST:
        found = f"{count} parts in {2**basic} treatments, too many choices to compare"
        raise UndefinedError(ASKED, found, "Take `optimal`, or fewer parts.")

    def aberration(chosen: tuple[int, ...]) -> list[int]:
        lengths = [word.bit_count() for word in _words(chosen, basic)]
        return [lengths.count(length) for length in range(3, count + 1)]

    return min(combinations(products, count - basic), key=aberration)


def _words(chosen: tuple[int, ...], basic: int) -> list[int]:
    """All products of the defining words, as bits of the parts."""
    words = [0]
    for i, bits in enumerate(chosen):
        words += [word ^ bits ^ (1 << (basic + i)) for word in words]
    return words[1:]


def _levels(chosen: tuple[int, ...], basic: int, signs: int) -> Ids:
    """Level 1 is plus, 0 minus; a bit of `signs` turns the products of a part around."""
    number = np.arange(2**basic)
    levels = [number >> i & 1 for i in range(basic)]
    for i, bits in enumerate(chosen):
        minus = sum(1 - levels[j] for j in range(basic) if bits >> j & 1)
        levels.append((1 + minus + (signs >> i & 1)) % 2)
    return np.stack(levels, axis=1)
