"""Find features that know what they cannot: who got which treatment, what came of it, or what came later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from suasion.scores.data import Data, Floats, Ids
from suasion.scores.guards.asked import check_outcome, check_trial, some
from suasion.scores.guards.finding import Finding, Severity, listed, spelled
from suasion.scores.guards.surprise import surprise
from suasion.scores.guards.telling import TOGETHER, Guessed, Leak, told_alone, told_together
from suasion.scores.guards.twins import Twin, twins

CLEAR = 0.55
"""An AUC whose interval lies above this is no accident of filing."""


@dataclass(frozen=True)
class Leaks:
    """What `leaks` found.

    Parameters
    ----------
    alone : tuple of Leak
        The surest first.
    together : tuple of Guessed
        One an arm (one only where there are two arms), found or not; empty where people are too few.
    twins : tuple of Twin
        Features that are nearly the outcome.
    late, undated : tuple of str
        Features that were recorded after the trial began, and those of which nobody said when.
    """

    alone: tuple[Leak, ...]
    together: tuple[Guessed, ...]
    twins: tuple[Twin, ...]
    late: tuple[str, ...]
    undated: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Everything to leave out, each once."""
        named = (*self.late, *(t.feature for t in self.twins), *(leak.feature for leak in self.alone))
        return tuple(dict.fromkeys(named))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to say of it, once a feature, and of all together once; nothing where the trial is clean."""
        found = [_late(name) for name in self.late] + [_twin(twin) for twin in self.twins]
        surest = {leak.feature: leak for leak in reversed(self.alone)}
        found += [_alone(leak) for leak in reversed(surest.values())]
        told = max(self.together, key=lambda g: g.auc.value * (g.p_value <= TOGETHER), default=None)
        if told is not None and told.p_value <= TOGETHER and (not surest or told.auc.low > CLEAR):
            found.append(_together(told))
        if self.undated:
            when = f"Nobody said when these were recorded, be it after the trial: {listed(self.undated)}."
            found.append(Finding("leak", Severity.NOTE, when))
        return tuple(found)


def leaks(
    data: Data,
    treatments: Ids,
    outcome: Floats,
    arms: Sequence[str],
    names: Sequence[str],
    *,
    randomized: bool = True,
    recorded: Mapping[str, date] | None = None,
    began: date | None = None,
    seed: int = 0,
) -> Leaks:
    """Look for features that know what nobody could know before the trial began.

    In a randomized trial nothing known beforehand tells who got what. Each feature is put into groups, and
    each group's arms are held against the draw; then models that learned on one half of the households
    guess the arms of the other half. Both tests know the design: known propensities, and households that
    were treated as one. A clean trial raises a false alarm in less than 1 % of cases.

    Parameters
    ----------
    data : Data
        Weights change nothing here: chance treated people, not what they stand for.
    treatments : array of int64, shape (n,)
    outcome : array of float, shape (n,)
    arms, names : sequence of str
        Names of the arms, the control first, and of the features.
    randomized : bool
        Where nobody drew, features may tell who got what, and that is not looked for.
    recorded : mapping of str to date, optional
        The latest day on which each feature was observed.
    began : date, optional
        The first day of the trial; what was recorded that day or before is no leak.
    seed : int

    Returns
    -------
    Leaks

    Raises
    ------
    CampaignError
        Arrays that do not fit, an arm without people, infinite values, an outcome that is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from suasion.scores.features import Features
    >>> chance = np.random.default_rng(1)
    >>> got, age = chance.integers(0, 2, 600), chance.normal(size=600)
    >>> opened = got * (chance.random(600) < 0.4)
    >>> data = Data(Features(np.column_stack([age, opened]), ()))
    >>> leaks(data, got, chance.normal(size=600), ["none", "mail"], ["age", "opened"]).features
    ('opened',)
    """
    check_trial(data, treatments, arms, names)
    check_outcome(outcome, data.n)
    late, undated = _dated(names, recorded or {}, began)
    alike = twins(data, outcome, names)
    if not randomized:
        return Leaks((), (), alike, late, undated)
    chosen = some(data, seed)
    looked, got = data.take(chosen), treatments[chosen]
    surprises = {arm: surprise(looked, got, arm) for arm in range(int(len(arms) == 2), len(arms))}
    alone = told_alone(looked, got, surprises, arms, names, seed)
    together = told_together(looked, got, surprises, arms, names, seed)
    return Leaks(alone, together, alike, late, undated)


def _dated(
    names: Sequence[str], recorded: Mapping[str, date], began: date | None
) -> tuple[tuple[str, ...], ...]:
    if began is None:
        return (), ()
    late = tuple(name for name in names if name in recorded and recorded[name] > began)
    return late, tuple(name for name in names if name not in recorded)


def _late(name: str) -> Finding:
    return Finding("leak", Severity.REFUSAL, f"'{name}' was recorded after the trial began. Leave it out.")


def _twin(twin: Twin) -> Finding:
    close = f"{twin.measure} {twin.closeness.scaled()}"
    return Finding(
        "leak", Severity.REFUSAL, f"'{twin.feature}' is nearly the outcome: {close}. Leave it out."
    )


def _alone(leak: Leak) -> Finding:
    text = (
        f"'{leak.feature}' tells who got '{leak.arm}', which chance should have decided: of {leak.people:,} "
        f"people alike in it, {leak.got:,} got it where {leak.expected:,.0f} were to be expected "
        f"({spelled(leak.p_value)}). Leave it out unless it was known before the draw."
    )
    return Finding("leak", Severity.REFUSAL if leak.lopsided else Severity.WARNING, text)


def _together(guessed: Guessed) -> Finding:
    strong = guessed.auc.low > CLEAR
    text = (
        f"All features together tell who got '{guessed.arm}', which chance should have decided: AUC "
        f"{guessed.auc.scaled()} where 0.5 is chance ({spelled(guessed.p_value)}), most of all by "
        f"{listed(guessed.by)}."
    )
    return Finding("leak", Severity.REFUSAL if strong else Severity.WARNING, text)
