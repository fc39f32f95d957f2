"""Lookalikes: who is like those on a list, learned from a list and from everybody else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from suasion.rules import Clearance, Gate
from suasion.scores.inferences.chances import Sample, learn_chances
from suasion.scores.inferences.inferred import Inferred
from suasion.scores.inferences.quality import quality_of
from suasion.scores.ranks import midranks
from suasion.stats import mean


def lookalike(
    sample: Sample,
    clearance: Clearance,
    gate: Gate,
    facts: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Inferred:
    """Rank everybody who is not on a list by how much they are like those who are.

    Positive-unlabeled learning (Elkan, Noto 2008, KDD 14:213): of the persons not on the list, some belong
    on it. The chance of being on the list, learned as a propensity, is ``c`` times the chance of belonging,
    if the list is a random part of those who belong (selected completely at random, SCAR), where ``c`` is the
    share of them that is listed. So the order is right whatever ``c`` is, and it is the order that is given:
    the share of the others who are less alike. No interval around a place in an order is honest here.

    ``c`` is estimated by the mean chance of those listed. That is right where features tell for certain
    who belongs; elsewhere the true share is larger, and fewer belong than it suggests.

    Parameters
    ----------
    sample : Sample
        The outcome is 1 for those on the list, 0 for everybody else who is compared.
    clearance, gate, facts, progress
        As in `propensity`.

    Returns
    -------
    Inferred
        Of those who are not on the list.

    Raises
    ------
    ClearanceError, CampaignError, UndefinedError
        As `propensity` does.
    """
    gate.admit(clearance, sample.persons, facts)
    learned, _ = learn_chances(sample, None, progress)
    progress("judging the score")
    known, chances = learned.sample, learned.chances
    listed, other = known.outcome == 1, known.outcome == 0
    homes = None if known.households is None else known.households[listed]
    weights = None if known.weights is None else known.weights[listed]
    none = np.full(int(other.sum()), np.nan)
    return Inferred(
        persons=known.persons[other],
        values=(midranks(chances[other]) - 0.5) / other.sum(),
        low=none,
        high=none,
        n=np.full(len(none), len(known.persons)),
        quality=quality_of(learned),
        listed=mean(chances[listed], homes, "mean chance of the listed (Elkan, Noto 2008)", weights),
    )
