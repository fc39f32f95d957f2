"""Who is in an experiment of a layer: drawn by a keyed hash, and from the first exposure on as stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.experiments.chance import uniforms
from suasion.experiments.layers.layer import Layer, Slot, buckets

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
OUT, TORN = -1, -2
"""Stand for no arm, and for more than one."""


@dataclass(frozen=True)
class Earlier:
    """What was stored at first exposure, one row for each experiment and person exposed.

    Parameters
    ----------
    units : array of int64, shape (m,)
        The unit that the exposed person is, or belongs to, now; see `moved`. It may have several rows.
    experiments : sequence of str, length m
    arms : sequence of str, length m
    chances : array of float, shape (m,)
        Of the arm, when it was drawn.
    """

    units: Ids
    experiments: Sequence[str]
    arms: Sequence[str]
    chances: Floats

    def moved(self, persons: Ids, units: Ids) -> Earlier:
        """The same, with the unit that each of these persons is or belongs to now; others keep theirs.

        Parameters
        ----------
        persons : array of int64, shape (k,)
            Numbers that rows hold: of persons who were merged into others, or who live in households.
        units : array of int64, shape (k,)

        Returns
        -------
        Earlier

        Examples
        --------
        >>> before = Earlier(np.array([3, 5, 8]), ["a"] * 3, ["x", "y", "x"], np.full(3, 0.5))
        >>> before.moved(np.array([5]), np.array([3])).units.tolist()
        [3, 3, 8]
        """
        now = dict(zip(persons.tolist(), units.tolist(), strict=True))
        found = np.array([now.get(unit, unit) for unit in self.units.tolist()], np.int64)
        return Earlier(found, self.experiments, self.arms, self.chances)


@dataclass(frozen=True)
class Enrolled:
    """Who is in an experiment.

    Parameters
    ----------
    units : array of int64, shape (n,)
        As given.
    arms : array of int64, shape (n,)
        Index of the arm; -1 for those who are not in it.
    chances : array of float, shape (n,)
        Chance of that arm among those in the experiment, when it was drawn: to be stored at first exposure,
        and weighed by where shares have changed. 0 for those who are not in it.
    dropped : dict of str to int
        Units that would be in it and are not, by reason.
    """

    units: Ids
    arms: Ids
    chances: Floats
    dropped: dict[str, int]


def enroll(layer: Layer, experiment: str, units: Ids, earlier: Earlier, key: bytes = b"") -> Enrolled:
    """Draw who is in an experiment, and in which arm; who was exposed before stays where they were.

    A unit is in the experiment that holds its bucket, in an arm by a keyed hash that the experiment salts
    (overlapping layers: Tang, Agarwal, O'Brien, Meyer 2010, KDD:17). What was stored wins over both: no
    change of buckets or shares moves anybody who was exposed, and whoever was exposed to one experiment of
    the layer is in no other. Where rows of a unit say two arms, or two experiments of the layer, because
    persons turned out to be one or moved in together, it is in none and is counted.

    Parameters
    ----------
    layer : Layer
        With the slots as they are now.
    experiment : str
        The name of one of them.
    units : array of int64, shape (n,)
        Persons or households, each once. See `households`.
    earlier : Earlier
        Of all experiments of the layer.
    key : bytes
        Secret of the draw, at most 64 bytes.

    Returns
    -------
    Enrolled

    Raises
    ------
    CampaignError
        An experiment that is not in the layer, or a stored arm that it has no more.

    Examples
    --------
    >>> from suasion.experiments.layers.layer import Layer, Slot
    >>> slot = Slot("greeting", range(0, 5_000), ("none", "mail"), (0.5, 0.5))
    >>> before = Earlier(np.array([7, 9, 9]), ["greeting"] * 3, ["mail", "mail", "none"], np.full(3, 0.5))
    >>> found = enroll(Layer("site", (slot,)), "greeting", np.array([7, 9]), before)
    >>> found.arms.tolist(), found.dropped
    ([1, -1], {'in two arms': 1})
    """
    slot = _slot(layer, experiment)
    arms, chances, stored, dropped = _stored(layer, slot, units, earlier)
    bucket = buckets(units, layer.name, key)
    within = (bucket >= slot.buckets.start) & (bucket < slot.buckets.stop)
    fresh = within & ~stored
    elsewhere = within & stored & (arms == OUT)
    shares = np.array(slot.shares)
    luck = uniforms(units[fresh], f"experiment {experiment}", key)
    # Rounding of the sum leaves nobody beyond the last arm with a share.
    last = int(np.flatnonzero(shares)[-1])
    arms[fresh] = np.minimum(np.searchsorted(np.cumsum(shares), luck, "right"), last)
    chances[fresh] = shares[arms[fresh]]
    dropped["in another experiment of the layer"] = int(elsewhere.sum())
    torn = arms < OUT
    arms[torn], chances[torn] = OUT, 0.0
    return Enrolled(units, arms, chances, {reason: count for reason, count in dropped.items() if count})


def households(persons: Ids, homes: Ids) -> Ids:
    """A number for each household that lasts from file to file: its smallest person.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    homes : array of int64, shape (n,)
        Household of each person, in this file.

    Returns
    -------
    array of int64, shape (n,)
        What to draw by; somebody new, or another order of rows, changes nothing.

    Examples
    --------
    >>> households(np.array([5, 3, 9]), np.array([1, 1, 0])).tolist()
    [3, 3, 9]
    """
    distinct, home = np.unique(homes, return_inverse=True)
    smallest = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(smallest, home, persons)
    return smallest[home]


def _slot(layer: Layer, experiment: str) -> Slot:
    for slot in layer.slots:
        if slot.experiment == experiment:
            return slot
    found = f"only {', '.join(repr(slot.experiment) for slot in layer.slots) or 'nothing'} in it"
    raise CampaignError(f"experiment '{experiment}' in layer '{layer.name}'", found, "Give it buckets there.")


def _stored(
    layer: Layer, slot: Slot, units: Ids, earlier: Earlier
) -> tuple[Ids, Floats, npt.NDArray[np.bool_], dict[str, int]]:
    """For each unit its stored arm, that arm's chance, and whether anything of the layer is stored of it.

    The arm is -1 where nothing is stored of this experiment, and -2 where what is stored disagrees.
    """
    experiments, said = np.array(earlier.experiments, object), np.array(earlier.arms, object)
    live = np.isin(experiments, [one.experiment for one in layer.slots]) & np.isin(earlier.units, units)
    here = experiments[live] == slot.experiment
    codes = np.full(len(here), OUT)
    codes[here] = _codes(slot, said[live][here])
    order = np.argsort(units, kind="stable")
    rows = order[np.searchsorted(units, earlier.units[live], sorter=order)]
    low, high = np.full(len(units), len(slot.arms)), np.full(len(units), TORN)
    np.minimum.at(low, rows, codes)
    np.maximum.at(high, rows, codes)
    chances = np.full(len(units), np.inf)
    np.minimum.at(chances, rows[here], earlier.chances[live][here])
    stored, own = high >= OUT, high >= 0
    arms = np.where(own, high, OUT)
    both, two = own & (low == OUT), own & (low >= 0) & (low < high)
    arms[both | two] = TORN
    counts = {"in two arms": int(two.sum()), "in two experiments of the layer": int(both.sum())}
    return arms, np.where(own, chances, 0.0), stored, counts


def _codes(slot: Slot, arms: npt.NDArray[np.object_]) -> Ids:
    index = {arm: number for number, arm in enumerate(slot.arms)}
    gone = sorted(set(arms.tolist()) - set(index))
    if gone:
        found = f"people who were in '{gone[0]}', which it has no more"
        todo = "Keep every arm; give it a share of 0 to let nobody else in."
        raise CampaignError(f"experiment '{slot.experiment}'", found, todo)
    return np.array([index[arm] for arm in arms.tolist()], np.int64)
