"""Chance among people who are alike: blocks formed beforehand, arms drawn within them in exact shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.experiments.chance import uniforms

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
ASKED = "an experiment in blocks"
FEW = 4000
"""Up to so many units each block is matched; matching takes time with the square of their number."""


@dataclass(frozen=True)
class Blocked:
    """Who got what in which block.

    Parameters
    ----------
    blocks : array of int64, shape (n,)
        Block of each person, 0 to the last.
    arms : array of int64, shape (n,)
        Arm of each person, the control 0; one for all persons of a unit.
    probabilities : tuple of float
        Chance of each arm, the same for everybody: the analysis may ignore the blocks and stay unbiased,
        and should know them to be sharp.
    """

    blocks: Ids
    arms: Ids
    probabilities: tuple[float, ...]


def block(
    units: Ids, covariates: Floats, shares: tuple[float, ...], size: int, salt: str, key: bytes
) -> Blocked:
    """Form blocks of people who are alike, and draw the arms within each.

    Parameters
    ----------
    units : array of int64, shape (n,)
        What gets one arm as a whole: the household of each person, or the person.
    covariates : array of float, shape (n, p)
        Known beforehand; the mean of a household counts, and how many live in it.
    shares : tuple of float
        Of units in each arm, the control first; they sum to 1.
    size : int
        Units in a block: 2 makes pairs. The last block may be larger, the blocks of a large experiment have
        between `size` and twice as many.
    salt : str
        Name of the experiment.
    key : bytes
        At most 64 bytes.

    Returns
    -------
    Blocked

    Raises
    ------
    UndefinedError
        Shares that do not sum to 1, blocks smaller than the number of arms, fewer units than a block
        holds, or covariates that are not finite.

    Examples
    --------
    >>> ages = np.array([[20.0], [61.0], [22.0], [60.0]])
    >>> made = block(np.arange(4), ages, (0.5, 0.5), size=2, salt="letters", key=b"secret")
    >>> bool(made.blocks[0] == made.blocks[2] != made.blocks[1]), bool(made.arms[0] != made.arms[2])
    (True, True)
    """
    covariates = np.asarray(covariates, np.float64)
    if covariates.ndim != 2 or len(covariates) != len(units) or not np.isfinite(covariates).all():
        found = f"covariates of shape {covariates.shape} for {len(units)} people, or not finite"
        raise UndefinedError(ASKED, found, "Give a finite number for each person and covariate.")
    distinct, index, people = np.unique(units, return_inverse=True, return_counts=True)
    if size < len(shares) or len(distinct) < size:
        found = f"blocks of {size} for {len(shares)} arms and {len(distinct)} unit(s)"
        raise UndefinedError(
            ASKED, found, "A block needs a unit for each arm, and as many units must be there."
        )
    sums = np.stack([np.bincount(index, column) for column in covariates.T], axis=1)
    known = whitened(np.column_stack([sums / people[:, None], people.astype(np.float64)]))
    formed = (matched if len(distinct) <= FEW else halved)(known, size)
    arms = assign(distinct, formed, shares, salt, key)
    return Blocked(formed[index], arms[index], shares)


def whitened(covariates: Floats) -> Floats:
    """Principal components of unit variance, the first first: their distance is that of Mahalanobis.

    Parameters
    ----------
    covariates : array of float, shape (n, p)

    Returns
    -------
    array of float, shape (n, r)
        r of the p columns are not combinations of others.

    Examples
    --------
    >>> whitened(np.array([[1.0, 2.0], [3.0, 6.0]])).shape
    (2, 1)
    """
    centered = covariates - covariates.mean(axis=0)
    size = np.sqrt((centered**2).mean(axis=0))
    varies = size > 1e-12 * np.abs(covariates).max(axis=0, initial=0)
    left, spread, _ = np.linalg.svd(centered[:, varies] / size[varies], full_matrices=False)
    return left[:, spread > 1e-9 * spread.max(initial=0)] * np.sqrt(len(covariates))


def matched(points: Floats, size: int) -> Ids:
    """Blocks of near neighbors: who is farthest out chooses first, and takes the nearest that are left.

    Source: greedy matching on Mahalanobis' distance, after Greevy, Lu, Silber, Rosenbaum 2004, Biostatistics
    5:263, who match optimally; see Imai, King, Nall 2009, Statistical Science 24:29, for what pairs gain.

    Parameters
    ----------
    points : array of float, shape (n, r)
        As `whitened` makes them.
    size : int
        Units in a block; those left over join the last one.

    Returns
    -------
    array of int64, shape (n,)

    Examples
    --------
    >>> matched(np.array([[0.0], [9.0], [0.1], [9.1]]), 2).tolist()
    [1, 0, 1, 0]
    """
    blocks = np.zeros(len(points), np.int64)
    outward = np.argsort(-(points**2).sum(axis=1), kind="stable")
    left = points[outward]
    for number in range(len(points) // size):
        away = ((left - left[0]) ** 2).sum(axis=1)
        away[0] = -1.0
        near = np.argsort(away, kind="stable")[:size]
        blocks[outward[near]] = number
        outward, left = np.delete(outward, near), np.delete(left, near, axis=0)
    blocks[outward] = len(points) // size - 1
    return blocks


def halved(points: Floats, size: int) -> Ids:
    """Strata by quantiles: all units are halved at the median of one component, each half at the next.

    Parameters
    ----------
    points : array of float, shape (n, r)
        As `whitened` makes them.
    size : int
        Fewest units in a stratum; there are fewer than twice as many.

    Returns
    -------
    array of int64, shape (n,)

    Examples
    --------
    >>> halved(np.array([[0.0], [9.0], [0.1], [9.1], [4.0]]), 2).tolist()
    [0, 1, 0, 1, 1]
    """
    n, strata = len(points), np.zeros(len(points), np.int64)
    # Ranks are all different, so that whole numbers tell who stands where in which stratum.
    ranks = [np.argsort(np.argsort(column, kind="stable")) for column in points.T] or [np.arange(n)]
    turn = 0
    while (counts := np.bincount(strata)).min() >= 2 * size:
        order = np.argsort(strata * n + ranks[turn % len(ranks)])
        within = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
        strata[order] = 2 * strata[order] + (within >= np.repeat(counts // 2, counts))
        turn += 1
    return strata


def assign(units: Ids, blocks: Ids, shares: tuple[float, ...], salt: str, key: bytes) -> Ids:
    """Draw arms within blocks: b units of a block have b x share of each arm, rounded up or down.

    In each block the units stand in the order of their keyed hashes, and every one takes the arm in which
    its place, moved by a random start, falls (systematic sampling: Madow and Madow 1944, Annals of
    Mathematical Statistics 15:1). The chance of each arm is its share, exactly. The starts of the blocks are
    spread evenly, so that what is rounded up here is rounded down elsewhere.

    Parameters
    ----------
    units : array of int64, shape (n,)
        All different.
    blocks : array of int64, shape (n,)
        0 to the last.
    shares : tuple of float
        The control first.
    salt : str
        Name of the experiment.
    key : bytes
        At most 64 bytes.

    Returns
    -------
    array of int64, shape (n,)

    Raises
    ------
    UndefinedError
        Shares that do not sum to 1.

    Examples
    --------
    >>> arms = assign(np.arange(6), np.array([0, 0, 0, 0, 1, 1]), (0.5, 0.5), "letters", b"secret")
    >>> int(arms[:4].sum()), int(arms[4:].sum())
    (2, 1)
    """
    if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise UndefinedError(ASKED, "shares that do not sum to 1", "Give one above 0 for each arm.")
    counts = np.bincount(blocks)
    first = np.cumsum(counts) - counts
    order = np.lexsort((uniforms(units, f"block order {salt}", key), blocks))
    luck = uniforms(np.arange(len(counts) + 1), f"block start {salt}", key)
    start = (np.argsort(np.argsort(luck[1:])) + luck[0]) / len(counts)
    place = np.arange(len(units)) - first[blocks[order]] + start[blocks[order]]
    # Rounded, so that 10 x 0.3 is 3 whatever the sum of shares lost.
    ends = np.outer(counts, np.cumsum(shares)[:-1]).round(9)
    arms = np.empty(len(units), np.int64)
    arms[order] = (place[:, None] >= ends[blocks[order]]).sum(axis=1)
    return arms
