"""What was learned of effects, ready to be asked about anybody, and as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores import stored
from suasion.scores.features import Coding, Features
from suasion.scores.forest import Forest
from suasion.scores.forest.bins import Bins
from suasion.scores.guards import Familiar
from suasion.scores.guards.rarity import Scale
from suasion.scores.learners.boosted import Boosted
from suasion.scores.learners.linear import Columns, Linear
from suasion.scores.learners.metalearners import Crossed, Direct, Joint
from suasion.scores.learners.response import Response
from suasion.scores.learners.sample import ByArm
from suasion.scores.pool import Combined, gated
from suasion.scores.ranking import Ranking
from suasion.scores.stack import Stack
from suasion.scores.trees import Trees
from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """The combined learners of a campaign, and whether they may rank people.

    Parameters
    ----------
    coding : Coding
        How traits become features.
    combined : Combined
    rankings : tuple of Ranking
        Of each treatment.
    familiar : Familiar or None
        What the people learned from were like; None where they were too few to say.
    """

    coding: Coding
    combined: Combined
    rankings: tuple[Ranking, ...]
    familiar: Familiar | None

    def effects(self, features: Features) -> Floats:
        """Effects that people may be ranked by; shape (m, k).

        Parameters
        ----------
        features : Features
            As `coding` encodes them.

        Returns
        -------
        array of float, shape (m, k)
            Of a treatment that may not rank people: its average, for everybody. NaN for whoever is too unlike
            the people learned from: nothing is known of them.
        """
        found = self.guesses(features)
        found[self.unlike(features)] = np.nan
        return found

    def guesses(self, features: Features) -> Floats:
        """The same, also of those too unlike the people learned from; shape (m, k)."""
        if self._ranks:
            return gated(self.combined.effects(features), self.combined.level, self.rankings)
        return np.tile(self.combined.level, (len(features.matrix), 1))

    def unlike(self, features: Features) -> npt.NDArray[np.bool_]:
        """Who is too unlike the people learned from; shape (m,)."""
        if self.familiar is None or not len(features.matrix):
            return np.zeros(len(features.matrix), np.bool_)
        return self.familiar.unlike(features)

    def half_widths(self, features: Features, level: float = 0.95) -> Floats | None:
        """Half the width of the intervals of the causal forest among the learners, if there is one.

        Parameters
        ----------
        features : Features
        level : float

        Returns
        -------
        array of float, shape (m, k), or None
            Of the forest's own effects, not of the combined ones: of these no interval is known.
        """
        forest = next((model for model in self.combined.models if isinstance(model, Forest)), None)
        if forest is None:
            return None
        _, low, high = forest.intervals(features, level)
        return (high - low) / 2

    @staticmethod
    def load(saved: bytes) -> Model:
        """Read back a model that `publish_scores` wrote.

        Parameters
        ----------
        saved : bytes
            The cell of ``models.CAMPAIGN``.

        Returns
        -------
        Model

        Raises
        ------
        CampaignError
            Something else, damaged, or of another version.
        """
        found = load(saved)
        if not isinstance(found, Model):
            raise CampaignError(
                "a stored model", f"{type(found).__name__}, which is none", "Score the campaign again."
            )
        return found

    @cached_property
    def _ranks(self) -> bool:
        return any(ranking.ranks for ranking in self.rankings)


PARTS = (
    Bins,
    Boosted,
    ByArm,
    Coding,
    Columns,
    Combined,
    Crossed,
    Direct,
    Estimate,
    Familiar,
    Forest,
    Joint,
    Linear,
    Model,
    Ranking,
    Response,
    Scale,
    Stack,
    Trees,
)


def save(model: object) -> bytes:
    """A model, or any learner's part of one, as bytes; no code is in them.

    Parameters
    ----------
    model : Model, Forest, ...
        One of `PARTS`.

    Returns
    -------
    bytes
    """
    return stored.dump(model, PARTS)


def load(saved: bytes) -> object:
    """Read back what `save` wrote: it says the same of everybody, to the last bit.

    Parameters
    ----------
    saved : bytes

    Returns
    -------
    object
        Of the type that was saved.

    Raises
    ------
    CampaignError
        Not made by `save`, damaged, or of another version.
    """
    return stored.restore(saved, PARTS)
