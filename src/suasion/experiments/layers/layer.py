"""Experiments that share people: disjoint within a layer, independent across layers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isclose

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.experiments.chance import uniforms

Ids = npt.NDArray[np.int64]
BUCKETS = 10_000
"""Equal parts of a layer; an experiment holds some of them."""


@dataclass(frozen=True)
class Slot:
    """An experiment's place in a layer.

    Parameters
    ----------
    experiment : str
        Salts the draw of its arms.
    buckets : range
        Of the layer's 10,000, without gaps; give it more at either end to let more people in.
    arms : tuple of str
        The control first; new ones last.
    shares : tuple of float
        The chance of each arm, in their order; they sum to 1.
    """

    experiment: str
    buckets: range
    arms: tuple[str, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        asked, held = f"experiment '{self.experiment}'", self.buckets
        if held.step != 1 or not 0 <= held.start <= held.stop <= BUCKETS:
            found = f"buckets {held.start} to {held.stop} in steps of {held.step}"
            raise CampaignError(asked, found, f"Give some of 0 to {BUCKETS}, without gaps.")
        fits = 0 < len(self.arms) == len(self.shares) == len(set(self.arms))
        if not (fits and min(self.shares) >= 0 and isclose(sum(self.shares), 1, abs_tol=1e-9)):
            found = f"{len(self.arms)} arm(s) with shares {self.shares}"
            raise CampaignError(asked, found, "Give each arm its share, with a sum of 1.")


@dataclass(frozen=True)
class Layer:
    """Experiments that nobody may be in two of.

    Parameters
    ----------
    name : str
        Salts its buckets; layers of other names are independent of it.
    slots : tuple of Slot
        In disjoint buckets.
    """

    name: str
    slots: tuple[Slot, ...]

    def __post_init__(self) -> None:
        asked = f"layer '{self.name}'"
        if len({slot.experiment for slot in self.slots}) < len(self.slots):
            raise CampaignError(asked, "two experiments of one name", "Give each a name of its own.")
        held = [slot for slot in self.slots if slot.buckets]
        for one, other in pairwise(sorted(held, key=lambda slot: slot.buckets.start)):
            if one.buckets.stop > other.buckets.start:
                found = f"experiments '{one.experiment}' and '{other.experiment}' share buckets"
                raise CampaignError(asked, found, "Give each buckets of its own.")


def buckets(units: Ids, layer: str, key: bytes = b"") -> Ids:
    """The bucket of each unit in a layer, 0 to 9,999.

    Parameters
    ----------
    units : array of int64, shape (n,)
    layer : str
        Its name.
    key : bytes
        At most 64 bytes.

    Returns
    -------
    array of int64, shape (n,)

    Examples
    --------
    >>> found = buckets(np.arange(1_000), "site")
    >>> bool(found.min() >= 0 and found.max() < 10_000)
    True
    """
    return (uniforms(units, f"layer {layer}", key) * BUCKETS).astype(np.int64)
