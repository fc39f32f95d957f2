"""From probabilities to decisions: one draw that keeps every marginal probability and every total."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.experiments.flight import TINY, Units, largest_parts
from suasion.experiments.landing import decided
from suasion.experiments.totals import Totals, with_nothing

Floats = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating]
Ids = npt.NDArray[np.int64]


def draw(
    probabilities: Floats,
    costs: AnyFloats,
    totals: Totals,
    order: Floats,
    chance: Floats,
    together: Ids | None = None,
) -> Ids:
    """Draw one option a person such that totals stay what they were expected to be.

    **Scheme.** A unit is a person, or a household of which at most one is treated (its options are nothing
    and those of all members). Units enter a window one after another. Changes of probabilities in the window
    that keep every sum of a unit and every total are the solutions of linear equations: where there is one,
    all options in it move along it, up or down as far as probabilities allow, with chances that make the move
    a fair game. So every probability stays the marginal probability of its option, and each move decides an
    option. Units enter in parts of some 130,000, whose windows then meet in one. When all have entered and no
    such change is left, the total that the fewest undecided units touch is dropped, and moves go on; a unit
    touches a total where its undecided options differ in it.

    **How far a total can be off.** Less than min(R, t) gaps: R totals, t the most totals that a move between
    two options of a unit touches, a gap of a total the largest change that one unit can make in it. For when
    a total is dropped, undecided units have D = sum(options - 1) independent columns (what an option changes
    against another of the same unit), and D <= L, the totals left. Columns touch at most D * t totals in all,
    so among L >= D totals there is one that at most t columns touch; a unit that touches a total has a column
    that does; and there are at most D <= R units. From then on, an undecided unit changes the total by less
    than the largest gap between its options. With one total, that is one gap.

    Source: the cube method of Deville and Tille 2004, Biometrika 91:893, with the window of Chauvet and Tille
    2006, Computational Statistics 21:53; dropping by counts after Beck and Fiala 1981, Discrete Applied
    Mathematics 3:1. Persons with several options, households and the bound are our reading of them.

    Parameters
    ----------
    probabilities : array of float, shape (n, 1 + k)
        Rows sum to 1; column 0 is nothing. Below 1e-12 is 0.
    costs : array of float, shape (n, k) or (1, k)
        Expected cost of each option, without nothing.
    totals : Totals
        What stays, up to `reach`.
    order : array of float, shape (n,)
        In which order people enter: uniform numbers of a keyed hash, so that file order does not matter.
    chance : array of float, shape (n, c)
        Uniform numbers in [0, 1), independent of `order`, one for each move. A move decides an option, so c
        is at most k, or one less than the most options that anybody has a probability of.
    together : array of int, shape (n,), optional
        The household of each person: at most one of a household is treated.

    Returns
    -------
    array of int64, shape (n,)
        The drawn option of each person.

    Raises
    ------
    UndefinedError
        Rows that are not probabilities, or a household that would be treated with more than probability 1.

    Examples
    --------
    Two of four people, exactly:

    >>> import numpy as np
    >>> letters = Totals(("letters",), np.zeros(4, int), np.ones((1, 1, 1)), np.zeros((1, 1)))
    >>> p, luck = np.full((4, 2), 0.5), np.array([[0.1], [0.4], [0.2], [0.3]])
    >>> int(draw(p, np.array([[3.0]]), letters, order=luck[:, 0], chance=1 - luck).sum())
    2
    """
    if not len(probabilities):
        return np.zeros(0, np.int64)
    _check(probabilities)
    # In the order of entering, nothing depends on the order of the file.
    people, starts = _units(order, together)
    state = probabilities[people]
    if np.count_nonzero(state > TINY, axis=1).max() - 1 > chance.shape[1]:
        raise UndefinedError("a draw", "fewer chances than moves", "Give each person one for every option.")
    if together is not None:
        _share(state, starts)
    costs = costs[people] if len(costs) > 1 else costs
    return decided(prepared(state, starts, costs, totals.among(people)), people, chance[people])


def _check(probabilities: Floats) -> None:
    if not (np.isfinite(probabilities).all() and probabilities.min(initial=0) >= 0):
        raise UndefinedError("a draw", "probabilities below 0 or not finite", "Plan again.")
    if np.abs(probabilities.sum(axis=1) - 1).max(initial=0) > 1e-9:
        raise UndefinedError("a draw", "probabilities of a person that do not sum to 1", "Plan again.")


def _units(order: Floats, together: Ids | None) -> tuple[Ids, Ids]:
    """People in the order of entering, and where each unit starts; a household enters with its first."""
    if together is None:
        return np.argsort(order, kind="stable"), np.arange(len(order) + 1)
    _, household = np.unique(together, return_inverse=True)
    first = np.full(household.max() + 1, np.inf)
    np.minimum.at(first, household, order)
    members = np.lexsort((order, household, first[household]))
    begins = np.flatnonzero(np.diff(household[members], prepend=-1))
    return members, np.append(begins, len(order))


def _share(state: Floats, starts: Ids) -> None:
    """Give each household one nothing, held by its first."""
    treated = np.add.reduceat(state[:, 1:].sum(axis=1), starts[:-1])
    if treated.max() > 1 + 1e-9:
        found = f"{int((treated > 1 + 1e-9).sum()):,} households whose treatments have a probability above 1"
        raise UndefinedError("a draw", found, "Plan again with at most one of a household.")
    state[:, 0] = 0
    state[starts[:-1], 0] = np.where(treated < 1 - 1e-9, 1 - treated, 0)


def prepared(state: Floats, starts: Ids, costs: AnyFloats, totals: Totals) -> Units:
    """Totals in units of their largest part, laid out for the flight."""
    units = Units(
        state.ravel(),
        starts,
        totals.groups.astype(np.int64),
        with_nothing(costs),
        np.ascontiguousarray(with_nothing(totals.counts).transpose(1, 2, 0)),
        np.ascontiguousarray(with_nothing(totals.money).T),
    )
    largest = largest_parts(units)
    scale = np.divide(1, largest, out=np.zeros_like(largest), where=largest >= np.finfo(np.float64).tiny)
    return units._replace(counts=units.counts * scale, money=units.money * scale)
