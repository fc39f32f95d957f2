"""Propensity: how likely each person is to do what was recorded of others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from suasion.errors import CampaignError
from suasion.rules import Clearance, Gate
from suasion.scores.inferences.band import band
from suasion.scores.inferences.chances import Sample, learn_chances
from suasion.scores.inferences.inferred import Inferred
from suasion.scores.inferences.quality import quality_of


def propensity(
    sample: Sample,
    others: pa.Table | None,
    clearance: Clearance,
    gate: Gate,
    facts: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Inferred:
    """Learn how likely an outcome is, and say it of the sample and of others.

    Boosted trees, cross-fitted by household, calibrated out of fold by a line or by steps; survey weights
    count in learning, calibration and judgement. The interval around a chance is that of the persons of the
    sample with about the same chance. It says who is likely to act, not whom a message changes.

    Parameters
    ----------
    sample : Sample
        Persons of whom the outcome is known.
    others : pyarrow.Table, optional
        Persons outside the sample, one row each: column ``person`` and the features of the sample.
    clearance : Clearance
        Must permit learning from everybody of both.
    gate : Gate
        The rules and the occasion as they stand now.
    facts : str
        Version of the facts as they stand now.
    progress : callable
        Called with a line about each step.

    Returns
    -------
    Inferred

    Raises
    ------
    ClearanceError
        The clearance does not permit it.
    CampaignError
        No feature, an infinite value in one, or one of the others twice or in the sample.
    UndefinedError
        Too few persons or households.
    """
    outside = np.empty(0, np.int64) if others is None else others["person"].to_numpy()
    persons = np.concatenate([np.sort(sample.persons), outside])
    if twice := len(persons) - len(np.unique(persons)):
        found = f"{twice} person(s) given twice, or in the sample"
        raise CampaignError("scores outside the sample", found, "Give everybody else once.")
    gate.admit(clearance, persons, facts)
    asked = None if others is None else others.select(sample.features.column_names)
    learned, ahead = learn_chances(sample, asked, progress)
    progress("judging the score")
    known = learned.sample
    drawn = band(learned.chances, known.outcome, known.effective, known.weights, known.households)
    values, order = np.concatenate([learned.chances, ahead]), np.argsort(persons)
    values = values[order]
    low, high, n = drawn.around(values)
    return Inferred(persons[order], values, low, high, n, quality_of(learned))
