"""Cross-fitted effects by the doubly robust learner, and AIPW scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import CampaignError
from suasion.experiments import Trial
from suasion.rules import Clearance, Gate
from suasion.scores.effects import aipw, chances, expectations, relative_effects
from suasion.scores.features import Features, encode
from suasion.scores.folds import folds
from suasion.scores.forecast import Forecast
from suasion.scores.scores import Scores

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
FOLDS = 5


def fit(
    trial: Trial,
    clearance: Clearance,
    gate: Gate,
    facts: str,
    progress: Callable[[str], None] = lambda _: None,
    others: pa.Table | None = None,
) -> tuple[Scores, Forecast]:
    """Estimate the effect of each treatment on the first outcome, and AIPW scores of all outcomes.

    For each fold, outcome models of each arm and a doubly robust effect learner (Kennedy 2023, Electronic
    Journal of Statistics 17:3008) are fitted on the other folds only; the learner's own pseudo-outcomes
    come from a split of those folds in two halves. The AIPW score of a person for an arm (Robins,
    Rotnitzky, Zhao 1994, JASA 89:846) is ``m_arm(x) + 1{got arm} / P(arm | x) * (y - m_arm(x))``. Of
    persons outside the trial, no fold has seen anything: they get the mean of all folds' predictions.

    All folds are given the same mean effect. Where the people of a fold happened to do well, models that
    have not seen them promise too little; a plan over all folds would choose the folds that did badly,
    and look worse than a lottery. Effects are rounded to single precision, so that equal ones stay equal.

    Parameters
    ----------
    trial : Trial
    clearance : Clearance
        Must permit learning from every person of the trial, and of the others.
    gate : Gate
        The rules and the occasion as they stand now.
    facts : str
        Version of the facts as they stand now.
    progress : callable
        Called with a line about each step.
    others : pyarrow.Table, optional
        Persons outside the trial, one row each: column ``person`` and the features of the trial.

    Returns
    -------
    Scores
        Of the trial; the others change nothing in them.
    Forecast
        Of the trial and of the others.

    Raises
    ------
    ClearanceError
        The clearance is forged, foreign, stale, too narrow, or for something else.
    CampaignError
        No feature, or so few households that a model would have nobody of an arm to learn from; or one of
        the others is given twice, or is in the trial.
    """
    persons, traits = _everybody(trial, others)
    gate.admit(clearance, persons, facts)
    n = len(trial.persons)
    features = encode(traits, learned=n)
    received, effects, expected = _cross_fitted(trial, features, progress)
    inner = {name: values[:n] for name, values in expected.items()}
    scores = Scores(
        persons=trial.persons,
        households=trial.households,
        arms=trial.arms,
        received=received,
        effects=effects[:n],
        observed=trial.outcomes,
        expected=inner,
        aipw={name: aipw(inner[name], trial.arms, received, y) for name, y in trial.outcomes.items()},
    )
    order = np.argsort(persons)
    ordered = {name: values[order] for name, values in expected.items()}
    return scores, Forecast(persons[order], effects[order], ordered)


def _everybody(trial: Trial, others: pa.Table | None) -> tuple[Rows, pa.Table]:
    """Persons and their traits, those of the trial first."""
    if others is None or not others.num_rows:
        return trial.persons, trial.features
    persons = np.concatenate([trial.persons, others["person"].to_numpy()])
    if twice := int((np.diff(np.sort(persons)) == 0).sum()):
        raise CampaignError(
            "effects outside the trial",
            f"{twice} person(s) given twice, or in the trial",
            "Give everybody who is not in the trial once.",
        )
    traits = others.select(trial.features.column_names)
    return persons, pa.concat_tables([trial.features, traits], promote_options="permissive")


def _cross_fitted(
    trial: Trial, features: Features, progress: Callable[[str], None]
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Chance of what each person of the trial received; and effects and expected outcomes of everybody."""
    n, everybody, arms = len(trial.persons), len(features.matrix), len(trial.design.treatments)
    fold_of, half_of = folds(trial, FOLDS, "folds"), folds(trial, 2, "halves")
    _check(trial, fold_of, half_of)
    expected = {name: np.zeros((everybody, arms)) for name in trial.outcomes}
    effects, level, received = np.zeros((everybody, arms - 1)), np.zeros(arms - 1), np.empty(n)
    for fold in range(FOLDS):
        progress(f"fold {fold + 1} of {FOLDS}")
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        at = np.concatenate([outside, np.arange(n, everybody)])
        share = np.where(at < n, 1, 1 / FOLDS)[:, None]
        received[outside] = chances(trial, features, inside, outside)
        ahead = {k: expectations(trial, features, values, inside, at) for k, values in trial.outcomes.items()}
        for name, values in ahead.items():
            expected[name][at] += share * values
        first = ahead[next(iter(trial.outcomes))]
        found, average = relative_effects(trial, features, half_of[inside], inside, at, first)
        effects[at] += share * (found - found[: len(outside)].mean(axis=0))
        level += average * len(outside) / n
    return received, (effects + level).astype(np.float32).astype(np.float64), expected


def _check(trial: Trial, fold_of: Rows, half_of: Rows) -> None:
    """Refuse a trial in which a model would have no one to learn from, or a fold no one to judge."""
    counts = np.zeros((FOLDS, 2, len(trial.design.treatments)), np.int64)
    np.add.at(counts, (fold_of, half_of, trial.arms), 1)
    if not (counts.sum(axis=0) - counts).all() or not counts.any(axis=(1, 2)).all():
        raise CampaignError(
            "the effect of every treatment",
            f"persons of an arm share too few households to be split into {FOLDS} folds",
            "Get more households with an outcome, or leave the arm out.",
        )
