"""What a finished experiment says of the effect of each treatment, under a clearance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import CampaignError
from suasion.experiments import Assignment, Trial
from suasion.rules import Clearance, Gate
from suasion.scores import guards, pool
from suasion.scores.data import Data
from suasion.scores.features import Coding, Features, coding_of
from suasion.scores.forecast import Forecast
from suasion.scores.learned import Model
from suasion.scores.learners import aipw, received
from suasion.scores.ranking import Ranking, unranked
from suasion.scores.scores import Findings, Scores

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


def fit(
    trial: Trial,
    clearance: Clearance,
    gate: Gate,
    facts: str,
    progress: Callable[[str], None] = lambda _: None,
    others: pa.Table | None = None,
) -> tuple[Scores, Forecast, Model]:
    """Estimate the effect of each treatment on the first outcome, and AIPW scores of all outcomes.

    Effects are those of `pool.fit`: by learners that have not seen the person, combined as far as they came
    true. Where a treatment's effects do not pass the tests of `ranking`, everybody gets its average effect.
    Effects are rounded to single precision, so that equal ones stay equal.

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
    Model
        To be asked about anybody.

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
    coding = coding_of(trial.features)
    everybody = coding.encode(traits)
    data = Data(_first(everybody, n), _chances(trial), None, _households(trial))
    first = next(iter(trial.outcomes))
    found = pool.fit(data, trial.arms, trial.outcomes[first], progress=progress)
    warnings = _guarded(trial, found, coding)
    rankings = _unless_refused(found.rankings, warnings)
    households = data.n if data.clusters is None else len(np.unique(data.clusters))
    known = guards.familiar(data) if households >= guards.LEAST else None
    model = Model(coding, found.model, rankings, known)
    beyond = Features(everybody.matrix[n:], everybody.categorical)
    if len(beyond.matrix) > 1:
        warnings = (*warnings, *guards.drift(data.features, beyond, coding.names).findings)
        if known is not None:
            warnings = (*warnings, *known.findings(beyond, coding.names))
    expected, ahead = {first: found.sample.expected}, {first: found.arms.expected(beyond)}
    for name, values in trial.outcomes.items():
        if name != first:
            progress(f"expecting '{name}'")
            expected[name], ahead[name] = pool.expectations(found, values, beyond)
    got = received(found.sample.chances, trial.arms)
    scores = Scores(
        persons=trial.persons,
        households=trial.households,
        arms=trial.arms,
        received=got,
        effects=_single(pool.gated(found.effects, found.model.level, rankings)),
        learned=_single(found.effects),
        observed=trial.outcomes,
        expected=expected,
        aipw={name: aipw(expected[name], trial.arms, got, y) for name, y in trial.outcomes.items()},
        findings=Findings(rankings, found.compared, found.extremes, tuple(map(str, warnings))),
    )
    order = np.argsort(persons)
    effects = np.concatenate([scores.effects, _single(model.effects(beyond))])
    both = {name: np.concatenate([expected[name], ahead[name]])[order] for name in trial.outcomes}
    return scores, Forecast(persons[order], effects[order], both), model


def _guarded(trial: Trial, found: pool.Fitted, coding: Coding) -> tuple[guards.Finding, ...]:
    """What must be looked at before the effects are believed."""
    arms, names = trial.design.names, coding.names
    drawn = trial.design.assignment is not Assignment.OBSERVED
    data, outcome = found.sample.data, found.sample.outcome
    chances = found.sample.chances
    return (
        *guards.leaks(data, trial.arms, outcome, arms, names, randomized=drawn).findings,
        *guards.overlap(chances, trial.arms, arms, trial.households, estimated=not drawn).findings,
        *guards.balance(data, trial.arms, arms, names, randomized=drawn).findings,
    )


def _unless_refused(rankings: tuple[Ranking, ...], found: tuple[guards.Finding, ...]) -> tuple[Ranking, ...]:
    """No ranking may be used while a guard refuses."""
    refusals = [finding.text for finding in found if finding.severity is guards.Severity.REFUSAL]
    return unranked(refusals[0].rstrip("."), len(rankings)) if refusals else rankings


def _everybody(trial: Trial, others: pa.Table | None) -> tuple[Ids, pa.Table]:
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


def _chances(trial: Trial) -> Floats | None:
    """Probability of each arm, where chance decided; shape (n, arms).

    Where only the probability of what a person received is known, the other arms share the rest.
    """
    shares = np.bincount(trial.arms, minlength=len(trial.design.treatments)) / len(trial.arms)
    if trial.design.assignment is Assignment.OBSERVED:
        return None
    if trial.design.assignment is Assignment.RANDOMIZED or trial.design.probabilities is not None:
        known = trial.design.probabilities or shares
        return np.tile(np.asarray(known, np.float64), (len(trial.arms), 1))
    rest = (1 - trial.received) / (1 - shares[trial.arms])
    chances = shares[None, :] * rest[:, None]
    chances[np.arange(len(chances)), trial.arms] = trial.received
    return chances


def _households(trial: Trial) -> Ids | None:
    """Households numbered by their first person: their own numbers depend on the order of the file."""
    if trial.households is None:
        return None
    _, first, index = np.unique(trial.households, return_index=True, return_inverse=True)
    return first[index]


def _first(features: Features, n: int) -> Features:
    return Features(features.matrix[:n], features.categorical)


def _single(effects: Floats) -> Floats:
    return effects.astype(np.float32).astype(np.float64)
