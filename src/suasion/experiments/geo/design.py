"""Which places are treated, and which assignments chance could have made instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suasion.errors import CampaignError, UndefinedError
from suasion.experiments.chance import uniforms
from suasion.experiments.geo.panel import Bools, Floats, Panel
from suasion.stats import randomization


@dataclass(frozen=True)
class GeoDesign:
    """Places as units, for media in which nobody can be held out.

    Parameters
    ----------
    places : tuple of str, length n
        Those that take part.
    treated : array of bool, shape (n,)
    reference : suasion.stats.randomization.Reference
        The assignments that chance chose from; they are kept, since the analysis compares with them.
    """

    places: tuple[str, ...]
    treated: Bools
    reference: randomization.Reference

    @property
    def treated_places(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(name for name, chosen in zip(self.places, self.treated, strict=True) if chosen)

    @property
    def chances(self) -> Floats:
        """How likely each place was to be treated, shape (n,)."""
        return self.reference.assignments.mean(axis=0)

    @property
    def least(self) -> float:
        """The smallest p-value that the strongest effect could have."""
        made, unseen = self.reference.assignments, int(not self.reference.exact)
        same = (made == self.treated).all(axis=1) | (made != self.treated).all(axis=1)
        return float((unseen + same.sum()) / (unseen + len(made)))


def tellable(design: GeoDesign, alpha: float) -> GeoDesign:
    """The design, if it can tell anything.

    Raises
    ------
    UndefinedError
        Even the strongest effect would have a p-value above `alpha`.
    """
    if design.least > alpha:
        found = (
            f"{len(design.places)} places give {len(design.reference.assignments)} assignments: no p-value "
            f"below {design.least:.2g}, however strong the effect"
        )
        raise UndefinedError("a design of places", found, f"It takes more places to reach {alpha:g}.")
    return design


def one_of(count: int, salt: str, key: bytes) -> int:
    """A keyed choice among `count`."""
    return int(uniforms(np.zeros(1, np.int64), salt, key)[0] * count)


def costs_of(panel: Panel, costs: Mapping[str, float] | None) -> Floats:
    """What treating each place costs.

    Raises
    ------
    CampaignError
        A place without a cost of 0 or more.
    """
    if costs is None:
        return np.zeros(len(panel.places))
    bad = [place for place in panel.places if not 0 <= costs.get(place, -1) < np.inf]
    if bad:
        found = f"no cost of 0 or more for {len(bad)} place(s), '{bad[0]}' among them"
        raise CampaignError("a design of places", found, "Give what treating each place costs.")
    return np.array([costs[place] for place in panel.places], np.float64)
