"""What a treatment changed for those who take it because they were drawn for it."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from suasion.errors import UndefinedError
from suasion.stats.arms.drawn import drawn
from suasion.stats.arms.effects import Arms, as_columns
from suasion.stats.arms.pairs import Effect, Pair, check_varies, pairs_of
from suasion.stats.arms.sides import sides_of
from suasion.stats.estimate import Estimate
from suasion.stats.influence import LEVEL, Floats, Ids

DUST = 1e-20
"""The square of a share below this is rounding."""


def complier(
    values: Floats,
    arms: Arms,
    taken: npt.NDArray[np.bool_],
    clusters: Ids | None = None,
    covariates: Floats | None = None,
) -> tuple[Effect, ...]:
    """The effect on compliers: people who take a treatment if drawn for it, and not otherwise.

    The effect of the draw on outcomes over its effect on take-up (Wald 1940; Imbens and Angrist 1994,
    Econometrica 62:467), which holds if the draw changes outcomes through take-up alone and keeps nobody
    from taking. The interval is all effects that Anderson and Rubin's test (1949, Annals of Mathematical
    Statistics 20:46) does not reject: it holds however few comply. The p-value is that of the draw's effect.

    Parameters
    ----------
    values : array of float, shape (n,)
        Outcome of each person.
    arms : array of int, shape (n,)
        0 is the control.
    taken : array of bool, shape (n,)
        Whom a treatment reached: the message was opened, the door was answered.
    clusters, covariates
        As of `compare`.

    Returns
    -------
    tuple of Effect
        Arms 1, 2, ...

    Raises
    ------
    UndefinedError
        Take-up that is not told apart from the control's: every effect is then as likely as another; or what
        `compare` refuses.

    Examples
    --------
    >>> arms = np.arange(800) % 2
    >>> taken = (arms == 1) & (np.arange(800) % 4 == 1)
    >>> complier(np.arange(800) % 3 + 2.0 * taken, arms, taken)[0].estimate.scaled(digits=1)
    '2.0 (1.8 to 2.2)'
    """
    columns, features = (
        (np.asarray(values, np.float64), np.asarray(taken, np.float64)),
        as_columns(covariates),
    )
    given = columns if features is None else (*columns, features)
    people = drawn("an effect on compliers", arms, given, clusters)
    method = "Wald" if features is None else "Wald, regression with interactions"
    return tuple(_complier(pair, *columns, method) for pair in pairs_of(people, sides_of(people, features)))


def _complier(pair: Pair, values: Floats, taken: Floats, method: str) -> Effect:
    (up, risen), (down, stayed) = (side.mean(values) for side in (pair.treated, pair.control))
    (most, took), (least, kept) = (side.mean(taken) for side in (pair.treated, pair.control))
    change, uptake, moved, taking = up - down, most - least, (risen, stayed), (took, kept)
    freedom = pair.satterthwaite()
    t = float(stdtrit(freedom, (1 + LEVEL) / 2))
    # An effect b is not rejected where (change - b uptake)^2 <= t^2 variance(change - b uptake).
    square = uptake**2 - t**2 * pair.variance(taking)
    if square <= DUST:
        found = f"take-up of {most:.1%} in arm {pair.arm} and {least:.1%} in the control, not told apart"
        raise UndefinedError(pair.people.asked, found, "Tell the effect of being drawn for it instead.")
    apart = (risen - change / uptake * took, stayed - change / uptake * kept)
    for varying in (moved, apart):
        check_varies(pair, varying, float(np.abs(values).max()))
    middle = (change * uptake - t**2 * pair.covariance(moved, taking)) / square
    rest = (change**2 - t**2 * pair.variance(moved)) / square
    half, value = sqrt(max(middle**2 - rest, 0.0)), change / uptake
    low, high = min(middle - half, value), max(middle + half, value)
    name = f"{method}, Anderson-Rubin, {pair.error_name}"
    p_value = 2 * float(stdtr(freedom, -abs(change) / sqrt(pair.variance(moved))))
    return Effect(pair.arm, Estimate(value, low, high, pair.n, name, LEVEL), p_value)
