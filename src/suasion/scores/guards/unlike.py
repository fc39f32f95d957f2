"""Say of whom nothing can be said: people too unlike those that the models learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.data import Data, Floats
from suasion.scores.features import Features
from suasion.scores.guards.asked import check_names, numbered
from suasion.scores.guards.finding import Finding, Severity, listed
from suasion.scores.guards.places import (
    BLOCK,
    Places,
    distance,
    levels_of,
    placed_in,
    places_of,
    turned,
    whitening,
)
from suasion.scores.guards.rarity import Scale, scale_of
from suasion.stats import proportion

RATE = 0.0025
"""Part of the people who are like the others whom rarity, or distance, may take for unlike."""
LEAST = 400
"""Of fewer people, half to learn from and half to calibrate with, no bound of 1 % can be kept."""
CLOSE = 1.0
"""Who was so close to somebody, in standard deviations, or a value so little beyond all, is not unlike."""
EXAMPLES = 500
LEARNED = 20_000
"""Enough people to learn from, and as many to calibrate with."""
TOLD = 1_000
"""Most people whose reasons are looked into for a summary."""
KEYS = (
    "points",
    "heights",
    "lengths",
    "edges",
    "categorical",
    "levels",
    "center",
    "turn",
    "examples",
    "limits",
)


@dataclass(frozen=True)
class Familiar:
    """What the people learned from were like; made by `familiar`.

    A person is unlike if one value is too rare (an unseen category, a number far outside), or if the
    nearest of `EXAMPLES` people is too far away (distance to a sample: Sugiyama and Borgwardt 2013, NeurIPS
    26:467): numbers are put on a normal scale and made independent of each other, another category is
    `OTHER` away. How rare and how far is too much was seen on people who had no part in this, so that of
    people like them at most 1 %, and `RATE` by either where they are many, are taken for unlike (conformal:
    Bates, Candes, Lei, Romano, Sesia 2023, Ann. Stat. 51:149).

    Parameters
    ----------
    scales : tuple of Scale
        One a feature.
    categorical : tuple of int
    levels : tuple of array of float
        Of each feature, the values that are directions of their own; NaN is missing.
    center : array of float, shape (numbers,)
    turn : array of float, shape (numbers, numbers)
        Makes the numbers independent, of variance 1.
    examples : array of float32, shape (m, d)
    limits : array of float, shape (2,)
        Above which rarity, and distance, is too much.
    """

    scales: tuple[Scale, ...]
    categorical: tuple[int, ...]
    levels: tuple[Floats, ...]
    center: Floats
    turn: Floats
    examples: Places
    limits: Floats

    def unlike(self, features: Features) -> npt.NDArray[np.bool_]:
        """Who is too unlike.

        Parameters
        ----------
        features : Features
            Of anybody, encoded as those learned from.

        Returns
        -------
        array of bool, shape (m,)

        Raises
        ------
        CampaignError
            Other columns than those learned from.
        """
        # What is no number is not within a limit.
        rarity, far = self._strangeness(features).T
        return ~((rarity <= self.limits[0]) & (far <= self.limits[1]))

    def reasons(self, features: Features, names: Sequence[str]) -> dict[int, str]:
        """Why, for each row that is unlike, without saying the value.

        Parameters
        ----------
        features : Features
        names : sequence of str
            Of the features.

        Returns
        -------
        dict of int to str
            By row.
        """
        check_names(features, names)
        rows = np.flatnonzero(self.unlike(features))
        chosen = Features(features.matrix[rows], features.categorical)
        rarity, places = self._seen(chosen)
        limit = float(self.limits[0])
        whole = self._far(places)
        return {
            int(row): self._reason(names, values, rare, limit, apart)
            for row, values, rare, apart in zip(rows, chosen.matrix, rarity, whole, strict=True)
        }

    def findings(self, features: Features, names: Sequence[str]) -> tuple[Finding, ...]:
        """How many are unlike, and by which features; nothing where that may be chance."""
        rows = np.flatnonzero(self.unlike(features))
        share = proportion(len(rows), len(features.matrix))
        if share.low <= 0.01:
            return ()
        some = Features(features.matrix[rows[:TOLD]], features.categorical)
        told = Counter(
            name for why in self.reasons(some, names).values() for name in names if f"'{name}'" in why
        )
        often = tuple(name for name, _ in told.most_common(3))
        text = (
            f"{len(rows):,} of {len(features.matrix):,} people are too unlike those of the trial for an "
            f"effect to be told, most often by {listed(often)}."
        )
        return (Finding("unlike", Severity.WARNING, text),)

    def parts(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything as plain arrays, to be stored."""
        edges = [[s.low, s.high, s.missing, s.unseen] for s in self.scales]
        return {
            "points": np.concatenate([s.points for s in self.scales]),
            "heights": np.concatenate([s.heights for s in self.scales]),
            "lengths": np.array(
                [[len(s.points), len(v)] for s, v in zip(self.scales, self.levels, strict=True)]
            ),
            "edges": np.array(edges),
            "categorical": np.array(self.categorical, np.int64),
            "levels": np.concatenate(self.levels),
            "center": self.center,
            "turn": self.turn,
            "examples": self.examples,
            "limits": self.limits,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, npt.NDArray[np.generic]]) -> Familiar:
        """Read `parts` back.

        Raises
        ------
        CampaignError
            A part is missing.
        """
        if lost := [key for key in KEYS if key not in parts]:
            raise CampaignError(
                "what the trial's people were like", f"no {', '.join(lost)}", "Fit the scores again."
            )
        held: dict[str, npt.NDArray[Any]] = dict(parts)
        ends = np.cumsum(held["lengths"], axis=0)[:-1].T
        points, heights = (np.split(held[key], ends[0]) for key in ("points", "heights"))
        rows = zip(points, heights, held["edges"].tolist(), strict=True)
        return cls(
            scales=tuple(Scale(at, height, *edges) for at, height, edges in rows),
            categorical=tuple(held["categorical"].tolist()),
            levels=tuple(np.split(held["levels"], ends[1])),
            center=held["center"],
            turn=held["turn"],
            examples=held["examples"],
            limits=held["limits"],
        )

    def _strangeness(self, features: Features) -> Floats:
        """Rarity of the rarest value, and distance to the nearest example; shape (m, 2)."""
        if features.matrix.shape[1] != len(self.scales) or features.categorical != self.categorical:
            found = f"{features.matrix.shape[1]} columns, of which {features.categorical} are categories"
            todo = f"Give the {len(self.scales)} learned from, of which {self.categorical} are."
            raise CampaignError("people like those of the trial", found, todo)
        out = np.empty((len(features.matrix), 2))
        for start in range(0, len(out), BLOCK):
            block = slice(start, start + BLOCK)
            rarity, places = self._seen(Features(features.matrix[block], features.categorical))
            out[block] = np.column_stack([rarity.max(axis=1), distance(places, self.examples)])
        return out

    def _seen(self, features: Features) -> tuple[Floats, Places]:
        """Rarity of each value, and where people are: in independent numbers, then in categories."""
        placed, rarity = placed_in(features, self.scales)
        return rarity, places_of(turned(placed, self.center, self.turn), features, self.levels)

    def _far(self, places: Places) -> Floats:
        """How much of the squared distance to the nearest example lies along each feature; shape (m, p)."""
        numbers = [i for i in range(len(self.scales)) if i not in self.categorical]
        owners = np.repeat(np.arange(len(self.levels)), [len(own) for own in self.levels])
        out = np.zeros((len(places), len(self.scales)))
        back = np.linalg.inv(self.turn)
        for row, place in enumerate(places):
            nearest = self.examples[np.argmin(((self.examples - place) ** 2).sum(axis=1))]
            gap = (place - nearest).astype(np.float64)
            along = gap[: len(numbers)]
            # Of a sum of squares of turned numbers: each number's own gap times its part in the turn.
            out[row, numbers] = (along @ back) * (self.turn @ along)
            np.add.at(out[row], owners, gap[len(numbers) :] ** 2)
        return out

    def _reason(self, names: Sequence[str], values: Floats, rare: Floats, limit: float, apart: Floats) -> str:
        worst = int(np.argmax(rare))
        if rare[worst] <= limit:
            most = tuple(name for _, name in sorted(zip(-apart, names, strict=True))[:2])
            return f"a combination that nobody in the trial came near, above all of {listed(most)}"
        if np.isnan(values[worst]):
            return f"'{names[worst]}' is missing, which it was for hardly anybody in the trial"
        if worst in self.categorical:
            return f"'{names[worst]}' has a value that hardly anybody in the trial had"
        return f"'{names[worst]}' is far outside what it was in the trial"


def familiar(data: Data, seed: int = 0) -> Familiar:
    """Learn what the people of a trial were like.

    Parameters
    ----------
    data : Data
        Everybody the models learned from; half of the households teach, half calibrate.
    seed : int

    Returns
    -------
    Familiar

    Raises
    ------
    CampaignError
        Infinite values, or fewer than `LEAST` households or people.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(2000, 1))
    >>> known = familiar(Data(Features(np.column_stack([x, x]), ())))
    >>> strangers = Features(np.array([[0.0, 0.1], [30.0, 30.0], [1.5, -1.5]]), ())
    >>> known.unlike(strangers).tolist()
    [False, True, True]
    >>> known.reasons(strangers, ["a", "b"])[2]
    "a combination that nobody in the trial came near, above all of 'b', 'a'"
    """
    features = data.features
    units = numbered(data.clusters, data.n)
    count = int(units.max(initial=-1)) + 1
    if count < LEAST:
        raise CampaignError(
            "people unlike those of the trial", f"a trial of {count} households", f"It takes {LEAST}."
        )
    luck = np.random.default_rng(seed)
    side = luck.permutation(np.arange(count) % 2)[units]
    taught, held = (luck.permutation(np.flatnonzero(side == part))[:LEARNED] for part in (0, 1))
    learned = Features(features.matrix[taught], features.categorical)
    scales = tuple(scale_of(column, i in features.categorical) for i, column in enumerate(learned.matrix.T))
    levels = tuple(levels_of(column, i in features.categorical) for i, column in enumerate(learned.matrix.T))
    placed, _ = placed_in(learned, scales)
    center, turn = whitening(placed)
    examples = places_of(turned(placed, center, turn), learned, levels)[:EXAMPLES]
    made = Familiar(scales, features.categorical, levels, center, turn, examples, np.full(2, np.inf))
    calm = np.sort(made._strangeness(Features(features.matrix[held], features.categorical)), axis=0)  # pyright: ignore[reportPrivateUsage]
    limits = calm[min(ceil((len(calm) + 1) * (1 - RATE)), len(calm)) - 1]
    # What somebody had, by itself, is nothing strange, nor who is close to somebody.
    rarest = max(scale.highest for scale in scales)
    return replace(made, limits=np.maximum(limits, [rarest + CLOSE, CLOSE]))
