"""Are the arms alike in what was known before, and as large as the draw meant them to be?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.special import chdtrc

from suasion.scores.data import Data, Floats, Ids
from suasion.scores.guards.asked import check_trial, some
from suasion.scores.guards.finding import Finding, Severity, listed, spelled
from suasion.scores.guards.groups import LEVELS, grouped
from suasion.scores.guards.surprise import Surprise, one_hot, surprise
from suasion.scores.ranks import midranks
from suasion.stats import Estimate, from_influence, multiplicity

SURE = 0.001
"""Chance may mislead us about a trial so seldom."""
EXPECTED = 10
"""Fewest people of a group of values who should have got the arm, and who should not."""
WIDE = 0.1
"""A difference of so many standard deviations is often called an imbalance (Austin 2009, Stat. Med. 28)."""
OFF = 0.05
"""An arm that is so much larger or smaller than drawn, relatively, is beyond a few lost records."""


@dataclass(frozen=True)
class Difference:
    """A feature in one arm against the control, after weighting by the chance of what people got.

    Parameters
    ----------
    feature, arm : str
    standardized : Estimate, optional
        In standard deviations of everybody; of a category, of the group that differs most. None where the
        feature is constant or known of too few.
    p_value : float
        That the draw alone does this, missing values included, over all features and arms (Holm).
    """

    feature: str
    arm: str
    standardized: Estimate | None
    p_value: float

    @property
    def wide(self) -> bool:
        """Whether the difference is large, be it by chance."""
        return self.standardized is not None and abs(self.standardized.value) > WIDE


@dataclass(frozen=True)
class Ratio:
    """The sizes of the arms against known probabilities.

    Parameters
    ----------
    counts : dict of str to int
    expected : dict of str to float
    p_value : float
        Of a chi-square test that knows households.
    """

    counts: dict[str, int]
    expected: dict[str, float]
    p_value: float

    @property
    def off(self) -> bool:
        """Whether an arm is further from its expected size than lost records explain."""
        return any(abs(n - self.expected[arm]) > OFF * self.expected[arm] for arm, n in self.counts.items())


@dataclass(frozen=True)
class Balanced:
    """What `balance` found.

    Parameters
    ----------
    differences : tuple of Difference
        Every feature in every arm but the control, the surest first.
    p_value : float, optional
        Of one test of all features in all arms; None where features are too many for so few households.
    ratio : Ratio, optional
        None where no probability was known.
    randomized : bool
    """

    differences: tuple[Difference, ...]
    p_value: float | None
    ratio: Ratio | None
    randomized: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to say of it; nothing where the arms are alike."""
        found = [] if self.ratio is None or self.ratio.p_value > SURE else [_mismatch(self.ratio)]
        apart = tuple(dict.fromkeys(d.feature for d in self.differences if d.p_value <= SURE))
        sure = self.p_value is not None and self.p_value <= SURE
        if apart or sure:
            found.append(_unlike(apart, self.p_value if sure else None, self.randomized))
        elif wide := tuple(dict.fromkeys(d.feature for d in self.differences if d.wide)):
            found.append(Finding("balance", Severity.NOTE, _by_chance(wide)))
        return tuple(found)


def balance(
    data: Data, treatments: Ids, arms: Sequence[str], names: Sequence[str], *, randomized: bool = True
) -> Balanced:
    """Compare the arms in every feature, and in size.

    Differences are weighted by one over the probability of what people got, so that they should vanish in a
    trial with unequal probabilities too, and among people whose probabilities were estimated. Tests are of
    ranks, so that no single large value decides them, and of at most about 100,000 people; sizes are those
    of everybody.

    Parameters
    ----------
    data : Data
        Its propensities, where given, are those that were drawn by; estimated ones where nobody drew.
        Without them everybody had the same chance.
    treatments : array of int64, shape (n,)
    arms, names : sequence of str
        Names of the arms, the control first, and of the features.
    randomized : bool
        Where nobody drew, the sizes of the arms are nobody's promise.

    Returns
    -------
    Balanced

    Raises
    ------
    CampaignError
        Arrays that do not fit, an arm without people, or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from suasion.scores.features import Features
    >>> got = np.arange(400) % 2
    >>> data = Data(Features(np.arange(400.0)[:, None], ()), np.full((400, 2), 0.5))
    >>> found = balance(data, got, ["none", "mail"], ["age"])
    >>> found.differences[0].standardized.scaled(digits=2), found.ratio.p_value, found.findings
    ('0.01 (-0.19 to 0.21)', 1.0, ())
    """
    check_trial(data, treatments, arms, names)
    everybody = [surprise(data, treatments, arm) for arm in range(len(arms))]
    ratio = (
        _ratio(data, treatments, arms, everybody) if randomized and data.propensities is not None else None
    )
    chosen = some(data, seed=0)
    data, treatments = data.take(chosen), treatments[chosen]
    surprises = [surprise(data, treatments, arm) for arm in range(len(arms))]
    rarest = EXPECTED / min(float(s.spread.mean()) for s in surprises)
    columns = [_columns(data, column, rarest) for column in range(len(names))]
    rows = [(column, arm) for column in range(len(names)) for arm in range(1, len(arms))]
    tests = np.array([surprises[arm].test(columns[column]).p_value for column, arm in rows])
    differences = [
        Difference(
            names[column], arms[arm], _standardized(data, treatments, column, arm, rarest), float(p_value)
        )
        for (column, arm), p_value in zip(rows, multiplicity.holm(tests), strict=True)
    ]
    ordered = tuple(sorted(differences, key=lambda d: d.p_value))
    return Balanced(ordered, _omnibus(columns, surprises[1:]), ratio, randomized)


def _columns(data: Data, column: int, least: float) -> csr_array:
    """What is compared of a feature: groups of a category; ranks of a number, and whether it is missing."""
    values = data.features.matrix[:, column]
    if column in data.features.categorical:
        return one_hot(grouped(values, True, least, LEVELS))
    missing = np.isnan(values)
    ranks = np.zeros(data.n)
    ranks[~missing] = midranks(values[~missing]) / data.n - 0.5
    minority = data.n - np.unique(ranks, return_counts=True)[1].max()
    parts = [ranks] if minority >= least else []
    parts += [missing.astype(np.float64)] if least <= missing.sum() else []
    return csr_array(np.column_stack(parts) if parts else np.zeros((data.n, 1)))


def _omnibus(columns: Sequence[csr_array], surprises: Sequence[Surprise]) -> float | None:
    """One p-value for all features in all arms."""
    everything = csr_array(hstack(columns))
    if everything.shape[1] > (int(surprises[0].units.max()) + 1) / 10:
        return None
    return min(1.0, len(surprises) * min(s.test(everything).p_value for s in surprises))


def _standardized(data: Data, treatments: Ids, column: int, arm: int, least: float) -> Estimate | None:
    """The weighted difference of means between arm and control; of a category, the widest over its groups."""
    values = data.features.matrix[:, column]
    views = _indicators(values, least) if column in data.features.categorical else [values]
    found = [estimate for view in views if (estimate := _difference(data, treatments, view, arm)) is not None]
    return max(found, key=lambda estimate: abs(estimate.value), default=None)


def _indicators(values: Floats, least: float) -> Iterator[Floats]:
    codes = grouped(values, True, least, LEVELS)
    for code in range(int(codes.max()) + 1):
        yield (codes == code).astype(np.float64)


def _difference(data: Data, treatments: Ids, values: Floats, arm: int) -> Estimate | None:
    rows = np.flatnonzero(~np.isnan(values))
    here, got = values[rows], treatments[rows]
    clusters = None if data.clusters is None else data.clusters[rows]
    enough = min((got == arm).sum(), (got == 0).sum()) >= 2
    if not enough or here.min() == here.max() or (clusters is not None and len(np.unique(clusters)) < 2):
        return None
    here = here / np.abs(here).max()  # so that no square is too large, or nothing
    value, influence = 0.0, np.zeros(len(rows))
    for side, sign in ((arm, 1), (0, -1)):
        weights = (got == side) / (1.0 if data.propensities is None else data.propensities[rows, side])
        center = float(weights @ here / weights.sum())
        value += sign * center
        influence += sign * weights * (here - center) / weights.mean()
    scale = float(np.std(here))
    return from_influence(value / scale, influence / scale, clusters, method="standardized difference")


def _ratio(data: Data, treatments: Ids, arms: Sequence[str], surprises: Sequence[Surprise]) -> Ratio:
    """Chi-square of the arms' sizes, divided by what households make it larger."""
    assert data.propensities is not None
    expected = data.propensities.sum(axis=0)
    counts = np.bincount(treatments, minlength=len(arms))
    excess = (counts - expected)[1:]
    variance = (np.diag(expected) - data.propensities.T @ data.propensities)[1:, 1:]
    sizes = np.bincount(surprises[0].units).astype(np.float64)
    together = float(np.mean([s.together for s in surprises]))
    inflation = 1 + together * float((sizes * (sizes - 1)).sum()) / data.n
    statistic = float(excess @ np.linalg.solve(variance, excess)) / inflation
    p_value = float(chdtrc(len(arms) - 1, statistic))
    return Ratio(
        dict(zip(arms, counts.tolist(), strict=True)),
        dict(zip(arms, expected.tolist(), strict=True)),
        p_value,
    )


def _by_chance(names: tuple[str, ...]) -> str:
    return (
        f"Arms differ by more than {WIDE} standard deviations in {listed(names)}; among so few people chance "
        "alone does that."
    )


def _mismatch(ratio: Ratio) -> Finding:
    sizes = ", ".join(
        f"'{arm}' has {n:,} people, drawn {ratio.expected[arm]:,.0f}" for arm, n in ratio.counts.items()
    )
    text = (
        f"The arms are not as large as the draw made them: {sizes} ({spelled(ratio.p_value)}). Somebody was "
        "lost, or counted, depending on the treatment: find out who before any effect is believed."
    )
    return Finding("balance", Severity.REFUSAL if ratio.off else Severity.WARNING, text)


def _unlike(apart: tuple[str, ...], p_value: float | None, randomized: bool) -> Finding:
    where = f", above all in {listed(apart)}" if apart else ""
    overall = f" (all features: {spelled(p_value)})" if p_value is not None else ""
    cause, todo = (
        ("more than the draw can explain", "Check how treatments were given out")
        if randomized
        else ("even after weighting by estimated propensities", "Effects may be theirs")
    )
    return Finding("balance", Severity.WARNING, f"The arms differ {cause}{where}{overall}. {todo}.")
