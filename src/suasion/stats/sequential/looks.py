"""What was known at each look: an effect so far, and how sure it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats.influence import Floats, Ids

BURN_IN = 30
_STEADYING = 300  # 100 is not enough for outcomes of 1 % with a tenth held out


@dataclass(frozen=True)
class Looks:
    """An effect as it stood at each look; every look holds all data so far.

    Parameters
    ----------
    values : array of float, shape (looks,)
        Effect so far: treated minus control, say; adjusted by CUPED or not.
    errors : array of float, shape (looks,)
        Its standard error, cluster-robust where households were drawn, `steadied` where arms are unequal.
        0 or NaN: not known yet.
    units : array of int, shape (looks, arms)
        Independent units so far in each arm; one column for a quantity of one group.

    Raises
    ------
    UndefinedError
        Shapes that do not fit, or units that become fewer.

    Notes
    -----
    Looks are judged from the first on at which each arm has 30 units and the error is known and above 0:
    what is said of them rests on the central limit theorem, and is safe that early because the boundaries
    are wide there. The clock of a test is its information, 1 / error squared: it runs right when arms are
    unequal, and when their shares change on the way.
    """

    values: Floats
    errors: Floats
    units: Ids

    def __post_init__(self) -> None:
        shapes = self.values.shape, self.errors.shape, self.units.shape[:1]
        if len(set(shapes)) > 1 or self.values.ndim != 1 or self.units.ndim != 2:
            raise UndefinedError(
                "looks", f"shapes {shapes}", "Give one value and error a look, units by arm."
            )
        if (np.diff(self.units, axis=0) < 0).any():
            raise UndefinedError("looks", "units that become fewer", "Each look holds all data so far.")

    @property
    def n(self) -> Ids:
        """Independent units of all arms at each look."""
        return self.units.sum(axis=1)

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Looks past the burn-in."""
        return (self.units.min(axis=1) >= BURN_IN) & (self.errors > 0) & np.isfinite(self.values)

    def fractions(self, planned_error: float) -> Floats:
        """Information at each look over that of the planned end; NaN where not judged."""
        if not planned_error > 0:
            found = f"a planned error of {planned_error}"
            raise UndefinedError("looks", found, "Give the standard error of the planned end, above 0.")
        errors = np.where(self.judged, self.errors, np.nan)
        return (planned_error / errors) ** 2


def steadied(errors: Floats, alike: Floats, units: Ids) -> Floats:
    """Standard errors that a small arm cannot make too small by chance.

    Its variance is unsure long after that of the larger arm is known, and too small just when its mean is
    off: looking at outcomes of 1 % with a tenth held out, one run in four and more would raise a false alarm.
    So an error squared is at least its mean with that of arms alike, which counts as 300 units of the smaller
    arm. It changes nothing where arms are of one size or many, or where the smaller varies more.

    Parameters
    ----------
    errors : array of float, shape (looks,)
        As each arm's own variance gives them.
    alike : array of float, shape (looks,)
        As they would be if all arms had the variance of all units together.
    units : array of int, shape (looks, arms)
        Independent units so far in each arm.

    Returns
    -------
    array of float, shape (looks,)

    Examples
    --------
    >>> steadied(np.array([0.02]), np.array([0.04]), np.array([[900, 100]])).round(3).tolist()
    [0.036]
    """
    fewest = units.min(axis=1)
    mixed = (fewest * errors**2 + _STEADYING * alike**2) / (fewest + _STEADYING)
    return np.sqrt(np.maximum(errors**2, mixed))


def from_arms(n: Ids, means: Floats, variances: Floats) -> Looks:
    """Looks at a difference of means from what is kept of each arm.

    Parameters
    ----------
    n : array of int, shape (looks, 2)
        Independent units so far, control first: persons, or households by their means.
    means, variances : array of float, shape (looks, 2)
        Mean and sample variance of their values so far.

    Returns
    -------
    Looks
        Treated minus control.

    Examples
    --------
    >>> n, shares = np.array([[100, 100]]), np.array([[0.2, 0.3]])
    >>> from_arms(n, shares, shares * (1 - shares)).errors.round(3).tolist()
    [0.061]
    """
    known = np.where(n > 1, n, np.nan)
    pooled = (variances * (known - 1)).sum(axis=1) / (known - 1).sum(axis=1)
    own, alike = (variances / known).sum(axis=1), pooled * (1 / known).sum(axis=1)
    return Looks(means[:, 1] - means[:, 0], steadied(np.sqrt(own), np.sqrt(alike), n), n)


def accumulate(
    values: Floats, treated: npt.NDArray[np.bool_], look: Ids, clusters: Ids | None = None
) -> Looks:
    """Looks at a difference of means from values of persons.

    Parameters
    ----------
    values : array of float, shape (n,)
        Outcome of each person, adjusted by CUPED or not.
    treated : array of bool, shape (n,)
        Arm of each person.
    look : array of int, shape (n,)
        First look, from 0, that knows the outcome.
    clusters : array of int, shape (n,), optional
        Household of each person, all of one arm; it counts from the first look that knows all its members.
        The mean is that over persons, its error that of a ratio of sums over households.

    Returns
    -------
    Looks
        Treated minus control, at looks 0 to the last.

    Examples
    --------
    >>> looks = accumulate(np.array([1.0, 0, 3, 0]), np.array([1, 0, 1, 0], bool), np.array([0, 0, 1, 1]))
    >>> looks.values.tolist(), looks.units.tolist()
    ([1.0, 2.0], [[1, 1], [2, 2]])
    """
    values, treated, look = np.asarray(values, np.float64), np.asarray(treated, bool), np.asarray(look)
    if not (len(values) == len(treated) == len(look) > 0 and look.min() >= 0 and np.isfinite(values).all()):
        found = f"{len(values)} value(s), {len(treated)} arm(s), {len(look)} look(s), or values not finite"
        raise UndefinedError("looks", found, "Give a finite value, an arm and a look from 0 for each person.")
    last, center = int(look.max()) + 1, float(values.mean())
    sums, sizes, arm = values - center, np.ones(len(values)), treated
    if clusters is not None:
        sums, sizes, arm, look = _of_households(sums, treated, look, clusters)
    arms = [_running(sums[arm == a], sizes[arm == a], look[arm == a], last) for a in (False, True)]
    n, means, variances = (np.stack(part, axis=1) for part in zip(*arms, strict=True))
    return from_arms(n.astype(np.int64), means, variances)


def _of_households(
    sums: Floats, treated: npt.NDArray[np.bool_], look: Ids, clusters: Ids
) -> tuple[Floats, Floats, npt.NDArray[np.bool_], Ids]:
    distinct, of = np.unique(clusters, return_inverse=True)
    known = np.zeros(len(distinct), np.int64)
    np.maximum.at(known, of, look)
    sizes, in_treated = np.bincount(of).astype(np.float64), np.bincount(of, treated)
    split = int(((in_treated > 0) & (in_treated < sizes)).sum())
    if split:
        todo = "Leave them out, or give no clusters if persons were drawn."
        raise UndefinedError("looks", f"{split} household(s) in both arms", todo)
    return np.bincount(of, sums).astype(np.float64), sizes, in_treated > 0, known


def _running(sums: Floats, sizes: Floats, look: Ids, looks: int) -> tuple[Floats, Floats, Floats]:
    """Units, mean over persons, and the variance of a unit that gives the mean's error, at each look."""

    def so_far(weights: Floats) -> Floats:
        return np.cumsum(np.bincount(look, weights, minlength=looks), dtype=np.float64)

    n, persons, total = so_far(np.ones_like(sums)), so_far(sizes), so_far(sums)
    mean = np.divide(total, persons, out=np.full(looks, np.nan), where=persons > 0)
    squares = so_far(sums**2) - 2 * mean * so_far(sums * sizes) + mean**2 * so_far(sizes**2)
    per_unit = np.maximum(squares, 0) / np.where(n > 1, n - 1, np.nan)
    # Rounding of a constant outcome is no variance.
    per_unit[squares <= 1e-12 * so_far(sums**2)] = 0.0
    return n, mean, per_unit * (n / np.maximum(persons, 1)) ** 2
