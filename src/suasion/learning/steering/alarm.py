"""What an alarm says, and how often it may be false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import pi

import numpy as np
import numpy.typing as npt

from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ALPHA = 0.01
"""Chance that an alarm is ever raised where nothing is wrong, however long and often one looks; of each kind
and of each thing that it is about."""


@dataclass(frozen=True)
class Alarm:
    """Something that somebody should look at.

    Parameters
    ----------
    name : str
        Of the kind: ``sample_ratio``, ``predictions``, ``population``, ``complaints``, ``opt_outs``,
        ``pace``, ``silence`` or ``stale_file``.
    about : str
        ``placement:NAME``, ``stream:NAME``, ``source:NAME`` or the name of a campaign.
    found, todo : str
        What was found, in plain words with rounded numbers, for they are published; and what to do.
    figures : mapping of str to Estimate
        The numbers behind it, by name.
    """

    name: str
    about: str
    found: str
    todo: str
    figures: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])


def part_of(alpha: float, number: int) -> float:
    """What the test of this number may take of a chance of error, so that all for ever take no more than it.

    Parameters
    ----------
    alpha : float
    number : int
        From 1.

    Examples
    --------
    >>> round(sum(part_of(0.01, n) for n in range(1, 100_000)), 6)
    0.01
    """
    return alpha * 6 / (pi * number) ** 2


def coarse(value: float) -> float:
    """A number to two digits: what is published tells of nobody who came last.

    Examples
    --------
    >>> coarse(12_345), coarse(0.01234)
    (12000.0, 0.012)
    """
    return float(f"{value:.1e}")


def counted(n: int) -> str:
    """How many, as it is published.

    Examples
    --------
    >>> counted(12_345)
    'about 12,000'
    """
    return f"about {coarse(n):,.0f}"
