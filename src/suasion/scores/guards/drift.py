"""Are the people planned for like those of the trial?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suasion.errors import CampaignError
from suasion.scores.features import Features
from suasion.scores.guards.asked import check_names
from suasion.scores.guards.finding import Finding, Severity, listed
from suasion.stats import drift as column
from suasion.stats import multiplicity

SURE = 0.001
"""Below this p-value, over all features, a drift is no chance."""


@dataclass(frozen=True)
class Drifted:
    """One feature among the people of the trial and among those planned for.

    Parameters
    ----------
    feature : str
    shift : Drift
        Population stability index, what chance alone would make it, and a p-value.
    p_value : float
        Over all features (Holm).
    """

    feature: str
    shift: column.Drift
    p_value: float

    @property
    def real(self) -> bool:
        """Whether the index is high, and no chance."""
        return self.p_value <= SURE and self.shift.reading != "stable"


@dataclass(frozen=True)
class Drifts:
    """What `drift` found: every feature, the most drifted first."""

    features: tuple[Drifted, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to say of it; nothing where the people are alike."""
        found: list[Finding] = []
        for reading, severity in (("large", Severity.WARNING), ("moderate", Severity.NOTE)):
            drifted = tuple(d for d in self.features if d.real and d.shift.reading == reading)
            if drifted:
                worst = drifted[0]
                text = (
                    f"The people planned for differ from those of the trial ({reading}) in "
                    f"{listed(tuple(d.feature for d in drifted))}: in '{worst.feature}' the population "
                    f"stability index is {worst.shift.psi:.2f}, by chance {worst.shift.noise:.3f}. "
                    "What the trial found may not hold for them."
                )
                found.append(Finding("drift", severity, text))
        return tuple(found)


def drift(trial: Features, planned: Features, names: Sequence[str]) -> Drifts:
    """Hold the people planned for against those of the trial, feature by feature.

    Parameters
    ----------
    trial, planned : Features
        Encoded alike: the same columns, the same codes.
    names : sequence of str

    Returns
    -------
    Drifts

    Raises
    ------
    CampaignError
        Other columns, infinite values, or fewer than two people on either side.

    Examples
    --------
    >>> import numpy as np
    >>> chance = np.random.default_rng(0)
    >>> first, second = chance.normal(size=(2, 2000, 2)) + [[[0, 0]], [[0, 1]]]
    >>> found = drift(Features(first, ()), Features(second, ()), ["age", "visits"])
    >>> found.features[0].feature, [finding.severity.value for finding in found.findings]
    ('visits', ['warning'])
    """
    check_names(trial, names)
    check_names(planned, names)
    if min(len(trial.matrix), len(planned.matrix)) < 2 or trial.categorical != planned.categorical:
        people = f"{len(trial.matrix)} and {len(planned.matrix)} people"
        found = f"{people}, categories in columns {trial.categorical} and {planned.categorical}"
        raise CampaignError("drift", found, "Encode two people or more on either side alike.")
    shifts = [_shift(trial, planned, i) for i in range(len(names))]
    sure = multiplicity.holm(np.array([shift.p_value for shift in shifts]))
    drifted = (Drifted(*parts) for parts in zip(names, shifts, sure.tolist(), strict=True))
    return Drifts(tuple(sorted(drifted, key=lambda d: (not d.real, -d.shift.psi))))


def _shift(trial: Features, planned: Features, i: int) -> column.Drift:
    first, second = trial.matrix[:, i], planned.matrix[:, i]
    if i not in trial.categorical:
        return column.numeric(first, second)
    return column.categorical(*(np.where(np.isnan(x), -1, x).astype(np.int64) for x in (first, second)))
