"""Do predicted effects come true in every group, and does every group get predictions?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from suasion.errors import CampaignError
from suasion.scores.data import Floats, Ids
from suasion.scores.guards.finding import Finding, Severity, listed
from suasion.stats import Estimate, mean, multiplicity

LEAST = 50
"""Of a group of fewer independent people nothing is told: its interval would be wide, or wrong."""
SURE = 0.05
"""Chance that any group is flagged though all are alike."""


@dataclass(frozen=True)
class Share:
    """One group of people.

    Parameters
    ----------
    group : str
    people : int
    predicted, observed : Estimate, optional
        Mean predicted effect, and mean AIPW gain; None where the group is too small.
    gap : Estimate, optional
        Predicted minus observed.
    p_value : float, optional
        That predictions are right on average, over all groups (Holm).
    covered : Estimate, optional
        Share of the group for whom an effect is predicted at all.
    left_out : float, optional
        p-value that the group is covered like everybody else, over all groups (Holm).
    """

    group: str
    people: int
    predicted: Estimate | None
    observed: Estimate | None
    gap: Estimate | None
    p_value: float | None
    covered: Estimate | None
    left_out: float | None


@dataclass(frozen=True)
class Fair:
    """What `fair` found: the groups of one trait."""

    trait: str
    groups: tuple[Share, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to say of it; nothing where predictions come true in every group."""
        found = [_wrong(self.trait, g) for g in self.groups if g.p_value is not None and g.p_value <= SURE]
        found += [
            _left_out(self.trait, g) for g in self.groups if g.left_out is not None and g.left_out <= SURE
        ]
        if small := tuple(g.group for g in self.groups if g.gap is None):
            text = f"Groups of '{self.trait}' too small to tell anything of (under {LEAST}): {listed(small)}."
            found.append(Finding("fair", Severity.NOTE, text))
        return tuple(found)


def fair(
    trait: str,
    groups: Mapping[str, npt.NDArray[np.bool_]],
    predicted: Floats,
    gains: Floats,
    clusters: Ids | None = None,
    covered: npt.NDArray[np.bool_] | None = None,
) -> Fair:
    """Hold predicted effects against observed ones, group by group.

    Parameters
    ----------
    trait : str
        Name of what the groups are by.
    groups : mapping of str to array of bool, shape (n,)
        Who is in each; people whose trait is unknown are in none.
    predicted : array of float, shape (n,)
        Effect of a treatment, predicted by models that had not seen the person.
    gains : array of float, shape (n,)
        AIPW score of the treatment minus that of the control, in the same unit.
    clusters : array of int64, shape (n,), optional
    covered : array of bool, shape (n,), optional
        Who is like enough to the people learned from; the predictions of others are not judged.

    Returns
    -------
    Fair

    Raises
    ------
    CampaignError
        Arrays that do not fit, no group, or values that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> chance, women = np.random.default_rng(0), np.arange(2000) % 2 == 0
    >>> gains = np.where(women, 2.0, 0.0) + chance.normal(size=2000)
    >>> found = fair("sex", {"women": women, "men": ~women}, np.full(2000, 2.0), gains)
    >>> [(g.group, g.p_value <= SURE) for g in found.groups]
    [('women', False), ('men', True)]
    """
    n = len(predicted)
    inside = np.ones(n, np.bool_) if covered is None else covered
    arrays = (gains, inside, *groups.values(), *([] if clusters is None else [clusters]))
    if not groups or any(len(values) != n for values in arrays):
        found = f"{len(groups)} groups, arrays of {sorted({len(values) for values in arrays})} and {n} people"
        raise CampaignError(f"groups of '{trait}'", found, "Give one value a person in each, and a group.")
    if not (np.isfinite(predicted[inside]).all() and np.isfinite(gains).all()):
        raise CampaignError(
            f"groups of '{trait}'", "effects or gains that are not finite", "Leave those people out."
        )
    shares = [_share(name, who, inside, predicted, gains, clusters, covered) for name, who in groups.items()]
    wrong, left_out = _adjusted([s.p_value for s in shares]), _adjusted([s.left_out for s in shares])
    return Fair(
        trait,
        tuple(
            Share(s.group, s.people, s.predicted, s.observed, s.gap, p, s.covered, q)
            for s, p, q in zip(shares, wrong, left_out, strict=True)
        ),
    )


def _share(
    name: str,
    who: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
    predicted: Floats,
    gains: Floats,
    clusters: Ids | None,
    covered: npt.NDArray[np.bool_] | None,
) -> Share:
    rows = np.flatnonzero(who & inside)
    share, left_out = _coverage(who, covered, clusters)
    if _units(rows, clusters) < LEAST:
        return Share(name, int(who.sum()), None, None, None, None, share, left_out)
    alike = None if clusters is None else clusters[rows]
    told, seen = mean(predicted[rows], alike, "predicted effect"), mean(gains[rows], alike, "AIPW")
    gap = mean(predicted[rows] - gains[rows], alike, "predicted minus AIPW")
    return Share(name, int(who.sum()), told, seen, gap, _p_value(gap), share, left_out)


def _coverage(
    who: npt.NDArray[np.bool_], covered: npt.NDArray[np.bool_] | None, clusters: Ids | None
) -> tuple[Estimate | None, float | None]:
    """Share of the group that is covered, and the p-value of its distance from that of everybody else."""
    rows, others = np.flatnonzero(who), np.flatnonzero(~who)
    if covered is None or min(_units(rows, clusters), _units(others, clusters)) < LEAST:
        return None, None
    share = mean(
        covered[rows].astype(np.float64), None if clusters is None else clusters[rows], "share covered"
    )
    centers = np.where(who, covered[rows].mean(), covered[others].mean())
    signs = np.where(who, len(who) / len(rows), -len(who) / len(others))
    apart = mean(signs * (covered - centers) + covered[rows].mean() - covered[others].mean(), clusters)
    return share, _p_value(apart)


def _units(rows: Ids, clusters: Ids | None) -> int:
    return len(rows) if clusters is None else len(np.unique(clusters[rows]))


def _p_value(distance: Estimate) -> float:
    """Two-sided, of 0, from the Student-t interval of `mean`."""
    error = (distance.high - distance.value) / float(stdtrit(distance.n - 1, (1 + distance.level) / 2))
    if error == 0:
        return float(distance.value == 0)
    return 2 * float(stdtr(distance.n - 1, -abs(distance.value) / error))


def _adjusted(p_values: list[float | None]) -> list[float | None]:
    """Holm's over those there are."""
    there = [p for p in p_values if p is not None]
    raised = iter(multiplicity.holm(np.array(there)).tolist() if there else [])
    return [None if p is None else next(raised) for p in p_values]


def _wrong(trait: str, share: Share) -> Finding:
    assert share.predicted is not None
    assert share.observed is not None
    way = "more" if share.predicted.value > share.observed.value else "less"
    text = (
        f"Among the {share.people:,} people of '{share.group}' (by '{trait}') the effect is predicted as "
        f"{share.predicted.value:,.4g}, {way} than the {share.observed.scaled(digits=4)} observed."
    )
    return Finding("fair", Severity.WARNING, text)


def _left_out(trait: str, share: Share) -> Finding:
    assert share.covered is not None
    text = (
        f"An effect is predicted for {share.covered.scaled(100, 1)} % of the {share.people:,} people of "
        f"'{share.group}' (by '{trait}'), another share than of everybody else."
    )
    return Finding("fair", Severity.WARNING, text)
