"""Were the arms filled by the chances they were to be drawn with?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suasion.errors import UndefinedError
from suasion.measurement.analysis.evidence import DUST, Evidence, Flags, Ids
from suasion.stats import shares


@dataclass(frozen=True)
class Ratio:
    """People or households in each arm, and how many were to be expected.

    Parameters
    ----------
    names : tuple of str
    counts : tuple of int
    expected : tuple of float
    unit : str
        ``people``, or ``households`` where households were drawn.
    left_out : int
        Households with people in two arms, which are not counted where households were drawn.
    p_value : float
        Chance of counts as far from what was expected.
    method : str
    alarm : bool
        Whether chance does this less than once in a thousand experiments.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    unit: str
    left_out: int
    p_value: float
    method: str
    alarm: bool


def ratio_of(evidence: Evidence, counted: Flags) -> Ratio | None:
    """Hold the counts of arms against the chances of the draw, summed over those whom it decided on.

    Parameters
    ----------
    evidence : Evidence
    counted : array of bool, shape (n,)
        Who is analyzed: an arm that answers less often is found, too.

    Returns
    -------
    Ratio or None
        None where chances are not known, or decided nothing.

    Examples
    --------
    >>> halves = np.full((1000, 2), 0.5)
    >>> drawn = Evidence(("none", "mail"), (np.arange(1000) % 5 > 1).astype(np.int64), halves, {})
    >>> found = ratio_of(drawn, np.ones(1000, bool))
    >>> found.counts, found.expected, found.alarm
    ((400, 600), (500.0, 500.0), True)
    """
    if evidence.chances is None:
        return None
    rows = np.flatnonzero(counted & (evidence.chances.max(axis=1) < 1 - DUST))
    rows, unit, torn = _units(evidence, rows)
    expected = evidence.chances[rows].sum(axis=0)
    open_ = np.flatnonzero(expected > DUST)
    counts = np.bincount(evidence.arms[rows], minlength=len(evidence.names))
    try:
        found = shares.mismatch(counts[open_], expected[open_])
    except UndefinedError:
        return None
    return Ratio(
        names=tuple(evidence.names[i] for i in open_),
        counts=found.counts,
        expected=found.expected,
        unit=unit,
        left_out=torn,
        p_value=found.p_value,
        method=found.method,
        alarm=found.alarm,
    )


def _units(evidence: Evidence, rows: Ids) -> tuple[Ids, str, int]:
    """One row an independent unit, what the units are, and how many households are torn.

    Households were drawn where far fewer of them are torn than if each of two people had been drawn alone.
    """
    if evidence.households is None or evidence.chances is None or not len(rows):
        return rows, "people", 0
    arms, homes = evidence.arms[rows], evidence.households[rows]
    _, first, of, sizes = np.unique(homes, return_index=True, return_inverse=True, return_counts=True)
    torn = np.bincount(of, arms != arms[first][of]) > 0
    alone = 1 - float((evidence.chances[rows].mean(axis=0) ** 2).sum())
    if not (sizes > 1).any() or torn.sum() > alone / 2 * (sizes > 1).sum():
        return rows, "people", 0
    return rows[first[~torn]], "households", int(torn.sum())
