"""Parts of a campaign: the people under the same regimes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from suasion.rules.clearance import PersonIds
from suasion.rules.judging import by_place

HOUSE = "house"
"""The regime of everybody; alone, it names the part that no other is over."""


def name_of(regimes: Sequence[str]) -> str:
    """The name of the part of those who are under these regimes: all but the house, sorted.

    Examples
    --------
    >>> name_of(("house", "us_tcpa", "us_ca")), name_of(("house",))
    ('us_ca+us_tcpa', 'house')
    """
    return "+".join(sorted(set(regimes) - {HOUSE})) or HOUSE


def split(facts: pa.Table, regimes: Callable[[str | None], Sequence[str]]) -> dict[str, PersonIds]:
    """Split people by the regimes that they are under, as `Gate.parts` says."""
    persons = facts["person"].to_numpy()
    rows, places = by_place(facts)
    names = [name_of(regimes(place)) for place in places]
    found = {name: number for number, name in enumerate(sorted(set(names)))}
    numbers = np.array([found[name] for name in names], np.int64)[rows]
    parts = {name: np.sort(persons[numbers == number]) for name, number in found.items()}
    return {name: part for name, part in parts.items() if len(part)}
