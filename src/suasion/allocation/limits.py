"""What a sponsor may ask of a plan: money, numbers of people, equal exposure of groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError


@dataclass(frozen=True)
class Money:
    """At most so much expected cost over some options: of all, of a channel, of a day.

    Parameters
    ----------
    name : str
    options : array of bool, shape (k,)
        The options that it pays for.
    most : float
        Money.
    """

    name: str
    options: npt.NDArray[np.bool_]
    most: float


@dataclass(frozen=True)
class Capacity:
    """At most, or at least, so many people over some options.

    Parameters
    ----------
    name : str
    options : array of bool, shape (k,)
    most : float
        People; infinite where only `least` is asked for.
    least : float or None
        People.
    """

    name: str
    options: npt.NDArray[np.bool_]
    most: float
    least: float | None = None


@dataclass(frozen=True)
class Parity:
    """Groups are reached alike.

    The rate of a group is the share of its people who are treated. A group's share is its part of all
    who are treated, to be compared with its part of all people. Either `least_ratio` or `most_gap` is
    given. As a ratio the two measures are one: share over part of all people is rate over overall rate.

    Parameters
    ----------
    name : str
        What the groups are groups of.
    groups : array of int, shape (n,)
        0, 1, ...; everybody is in one.
    measure : "rate" or "share"
    least_ratio : float or None
        No group's rate is below this multiple of the overall rate; in [0, 1].
    most_gap : float or None
        No group's rate is further than this from the overall rate, or no group's share from its part of
        all people; in [0, 1].
    """

    name: str
    groups: npt.NDArray[np.integer]
    measure: Literal["rate", "share"] = "rate"
    least_ratio: float | None = None
    most_gap: float | None = None

    def rows(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """As rows over the numbers of treated by group: coefficients (m, groups), and the most of each."""
        sizes = np.bincount(self.groups, minlength=1).astype(np.float64)
        part, own = sizes / max(sizes.sum(), 1), np.eye(len(sizes))
        overall = np.repeat(part[:, None], len(sizes), axis=1)
        if self.least_ratio is not None:
            rows, most = self.least_ratio * overall - own, 0 * sizes
        else:
            share, gap = self.measure == "share", self.most_gap or 0.0
            slack = gap if share else 0.0  # times all who are treated
            rows = np.vstack([own - overall - slack, overall - own - slack])
            most = np.tile(0 * sizes if share else gap * sizes, 2)
        there = np.tile(sizes > 0, len(rows) // max(len(sizes), 1))
        return rows[there], most[there]


Limit = Money | Capacity | Parity


def check_limits(limits: Sequence[Limit], n: int, k: int) -> None:
    """Refuse limits that no plan for n people and k options could be held to.

    Raises
    ------
    CampaignError
        Names the limit.
    """
    names = [limit.name for limit in limits]
    for name in set(names):
        if names.count(name) > 1:
            raise CampaignError(f"limit '{name}'", "two of that name", "Give each its own.")
    for limit in limits:
        if isinstance(limit, Parity):
            _check_parity(limit, n)
            continue
        asked = f"limit '{limit.name}'"
        if limit.options.shape != (k,) or limit.options.dtype != np.bool_:
            raise CampaignError(asked, f"not a yes or no for each of {k} options", "Name its options.")
        if isinstance(limit, Money) and not (math.isfinite(limit.most) and limit.most >= 0):
            raise CampaignError(f"{limit.name} {limit.most}", "not a sum of money", "Give 0 or more.")
        if isinstance(limit, Capacity):
            _check_capacity(asked, limit)


def _check_capacity(asked: str, limit: Capacity) -> None:
    least = limit.least or 0
    if math.isnan(limit.most) or limit.most < 0 or not (math.isfinite(least) and least >= 0):
        raise CampaignError(asked, "not a number of people", "Give 0 or more.")
    if least > limit.most:
        raise CampaignError(asked, f"at least {least:g}, and at most {limit.most:g}", "Lower the least.")


def _check_parity(limit: Parity, n: int) -> None:
    asked, groups = f"parity between the groups of {limit.name}", limit.groups
    if groups.shape != (n,) or not np.issubdtype(groups.dtype, np.integer):
        raise CampaignError(asked, f"not a group for each of {n:,} people", "Number the groups from 0.")
    if n and (int(groups.min()) < 0 or int(groups.max()) >= max(n, 2)):
        raise CampaignError(asked, "groups that are not numbered 0, 1, ...", "Number the groups from 0.")
    if limit.measure not in ("rate", "share"):
        raise CampaignError(asked, f"measure '{limit.measure}'", "Give 'rate' or 'share'.")
    if (limit.least_ratio is None) is (limit.most_gap is None):
        raise CampaignError(asked, "not one of a least ratio and a most gap", "Give one of the two.")
    given = limit.most_gap if limit.least_ratio is None else limit.least_ratio
    if given is None or not 0 <= given <= 1:
        raise CampaignError(asked, f"{given}, which is not in [0, 1]", "Give a share between 0 and 1.")
