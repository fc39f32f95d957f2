"""Parts of a message, their levels, and designs that combine them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np

from suasion.errors import UndefinedError
from suasion.experiments.factorial.coding import Floats, Ids, carried, columns

ASKED = "a factorial design"
MOST = 100_000
"""More combinations than anybody could list."""


@dataclass(frozen=True)
class Part:
    """A part of a message and what it may be.

    Parameters
    ----------
    name : str
        ``"subject"``.
    levels : tuple of str
        At least two, all different.
    """

    name: str
    levels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.levels) < 2 or len(set(self.levels)) < len(self.levels):
            found = f"{len(self.levels)} level(s), of which {len(set(self.levels))} differ"
            raise UndefinedError(f"part '{self.name}'", found, "Give two levels or more, all different.")


@dataclass(frozen=True)
class Factorial:
    """The combinations that are sent, and what can be told apart by them.

    Parameters
    ----------
    parts : tuple of Part
    runs : tuple of tuple of str
        The level of each part, for each treatment.
    efficiency : float
        How much each person tells about the parts, 1 for all combinations together (D-efficiency).
    words : tuple of tuple of str, optional
        The defining relation of a regular fraction: the product of the parts of a word is the same in all
        treatments, so that what they do together is mixed with the mean. None for other designs.
    """

    parts: tuple[Part, ...]
    runs: tuple[tuple[str, ...], ...]
    efficiency: float
    words: tuple[tuple[str, ...], ...] | None = None

    @property
    def resolution(self) -> int | None:
        """Length of the shortest word: 3 mixes parts with pairs, 4 pairs with pairs, 5 neither."""
        return min(map(len, self.words)) if self.words else None

    @property
    def levels(self) -> Ids:
        """The number of the level of each part; shape (treatments, parts)."""
        rows = [zip(self.parts, run, strict=True) for run in self.runs]
        return np.array([[part.levels.index(level) for part, level in row] for row in rows])

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each treatment."""
        return tuple(" + ".join(run) for run in self.runs)

    def aliases(self, *effect: str) -> tuple[tuple[str, ...], ...]:
        """All that is mixed with an effect in a regular fraction, the shortest first.

        Parameters
        ----------
        effect : str
            Names of parts: one for what a part does, two for what they do together.

        Returns
        -------
        tuple of tuple of str
            Nothing for a full design.

        Raises
        ------
        UndefinedError
            A design that is no regular fraction: `mixed` says what is mixed to some degree.

        Examples
        --------
        >>> from suasion.experiments.factorial import fraction
        >>> made = fraction([Part(name, ("-", "+")) for name in "ABCD"], size=8)
        >>> made.aliases("A"), made.aliases("A", "B")
        ((('B', 'C', 'D'),), (('C', 'D'),))
        """
        if self.words is None:
            raise UndefinedError("aliases", "a design that is no regular fraction", "Ask what is `mixed`.")
        found = [tuple(n for n in self._names if (n in effect) != (n in word)) for word in self.words]
        return tuple(sorted(found, key=lambda alias: (len(alias), alias)))

    @property
    def mixed(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """For each part, the pairs of parts that its effect holds too, wholly or in part."""
        shapes, pairs = [len(part.levels) for part in self.parts], combinations(range(len(self.parts)), 2)
        held = {
            pair: carried(self.levels, shapes, [(i,) for i in range(len(shapes))], pair) for pair in pairs
        }
        return {
            name: tuple((self._names[a], self._names[b]) for (a, b), by in held.items() if (i,) in by)
            for i, name in enumerate(self._names)
        }

    @property
    def sentence(self) -> str:
        """What the design can tell, in words."""
        every = prod(len(part.levels) for part in self.parts)
        told = f"{len(self.runs)} of {every} combinations"
        if self.resolution:
            told = f"{told}, resolution {_roman(self.resolution)}"
        elif self.efficiency < 1 - 1e-9:
            told = f"{told}, {100 * self.efficiency:.3g} % as good for each person as all of them"
        held = {name: pairs for name, pairs in self.mixed.items() if pairs}
        if not held:
            return f"{told}: no part is mixed with a pair of parts.{self._pairs()}"
        if self.words is None:
            listed = ", ".join(f"{name} with {len(pairs)}" for name, pairs in held.items())
            return f"{told}: what a part does is mixed in part with what pairs do together: {listed} pair(s)."
        listed = "; ".join(f"{name} with {', '.join(' x '.join(p) for p in held[name])}" for name in held)
        return f"{told}: what a part does is mixed with what pairs do together: {listed}."

    def _pairs(self) -> str:
        if self.resolution != 4:
            return ""
        groups = {
            tuple(sorted([pair, *(other for other in self.aliases(*pair) if len(other) == 2)]))
            for pair in combinations(self._names, 2)
        }
        same = [" = ".join(" x ".join(pair) for pair in group) for group in sorted(groups) if len(group) > 1]
        return f" Pairs are mixed with pairs: {'; '.join(same)}."

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)


def full(parts: Sequence[Part], forbidden: Sequence[Mapping[str, str]] = ()) -> Factorial:
    """All combinations of levels.

    Parameters
    ----------
    parts : sequence of Part
    forbidden : sequence of mapping of str to str
        Levels of parts that may not come together: ``{"opener": "joke", "ask": "bequest"}``.

    Returns
    -------
    Factorial

    Raises
    ------
    UndefinedError
        Parts of the same name, a forbidden part or level that is not there, or nothing left that tells the
        parts apart.

    Examples
    --------
    >>> made = full([Part("subject", ("short", "long")), Part("ask", ("give", "join", "come"))])
    >>> made.sentence
    '6 of 6 combinations: no part is mixed with a pair of parts.'
    """
    found = allowed(parts, forbidden)
    return measured(parts, found, () if not forbidden else None)


def allowed(parts: Sequence[Part], forbidden: Sequence[Mapping[str, str]]) -> Ids:
    """Numbers of levels of every combination that is not forbidden; shape (combinations, parts)."""
    named = {part.name: part for part in parts}
    if not parts or len(named) < len(parts):
        raise UndefinedError(ASKED, f"{len(parts)} part(s) of {len(named)} name(s)", "Name each part once.")
    count = prod(len(part.levels) for part in parts)
    if count > MOST:
        raise UndefinedError(ASKED, f"{count:,} combinations", "Leave out parts or levels.")
    every = np.array(list(product(*(range(len(part.levels)) for part in parts))))
    kept = np.ones(count, bool)
    for pattern in forbidden:
        if not pattern or any(n not in named or v not in named[n].levels for n, v in pattern.items()):
            found = (
                f"{', '.join(f'{name} = {level}' for name, level in pattern.items()) or 'nothing'} forbidden"
            )
            raise UndefinedError(ASKED, found, "Name parts and levels that are there.")
        levels = [pattern.get(part.name) for part in parts]
        fixed = [(i, parts[i].levels.index(v)) for i, v in enumerate(levels) if v is not None]
        kept &= ~np.all([every[:, i] == level for i, level in fixed], axis=0)
    return every[kept]


def measured(parts: Sequence[Part], levels: Ids, words: tuple[tuple[str, ...], ...] | None) -> Factorial:
    """The design of these combinations, and how much they tell."""
    efficiency = d_efficiency(parts, levels)
    if efficiency <= 1e-6:
        found = f"{len(levels)} combination(s) that cannot tell the parts apart"
        raise UndefinedError(ASKED, found, "Take more combinations, or forbid fewer.")
    runs = tuple(tuple(part.levels[i] for part, i in zip(parts, row, strict=True)) for row in levels)
    return Factorial(tuple(parts), runs, efficiency, words)


def main_columns(parts: Sequence[Part], levels: Ids) -> Floats:
    """Ones and the effect-coded columns of all parts."""
    shapes = [len(part.levels) for part in parts]
    terms = [columns(levels, shapes, (i,)) for i in range(len(parts))]
    return np.column_stack([np.ones(len(levels)), *terms])


def d_efficiency(parts: Sequence[Part], levels: Ids) -> float:
    """Geometric mean of the information about the parts, for each person, over that of all combinations."""
    every = np.array(list(product(*(range(len(part.levels)) for part in parts))))
    logs: list[float] = []
    for rows in (levels, every):
        made = main_columns(parts, rows)
        sign, log = np.linalg.slogdet(made.T @ made / len(rows))
        if sign <= 0:
            return 0.0
        logs.append(float(log) / made.shape[1])
    return float(np.exp(logs[0] - logs[1]))


def _roman(number: int) -> str:
    return {3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII"}.get(number, str(number))
