"""People whom nobody writes to, so that the good of it all can be proved: of one campaign, and of all."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.experiments.chance import uniforms

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Holdouts:
    """Who is left alone, and by which draw.

    Parameters
    ----------
    everywhere : array of bool, shape (n,)
        In the global holdout: gets nothing by any campaign, and is no part of this one's experiment, since
        people of the global holdout differ from others in all that other campaigns send.
    here : array of bool, shape (n,)
        The control of this campaign, of those who are not in the global holdout.
    """

    everywhere: Flags
    here: Flags

    @property
    def open(self) -> Flags:
        """Who may be treated by this campaign."""
        return ~(self.everywhere | self.here)


def globally_held_out(units: Ids, share: float, key: bytes, period: str = "") -> Flags:
    """Who gets nothing by any campaign.

    Everybody has a number of their own that no campaign changes: a larger share adds people and drops
    nobody, and another period draws anew.

    Parameters
    ----------
    units : array of int64, shape (n,)
        Household of each person, or the person.
    share : float
        From 0 to 1.
    key : bytes
        At most 64 bytes, the same for all campaigns.
    period : str
        For how long people are left alone, such as ``"2026"``.

    Returns
    -------
    array of bool, shape (n,)

    Raises
    ------
    UndefinedError
        A share outside 0 to 1.

    Examples
    --------
    >>> int(globally_held_out(np.arange(10_000), 0.02, b"secret", "2026").sum())
    202
    """
    return _held_out(units, share, key, ["all campaigns", period])


def hold_out(
    units: Ids, campaign: str, share: float, key: bytes, everywhere: float = 0.0, period: str = ""
) -> Holdouts:
    """Who is left alone by a campaign, and who by all.

    The two draws know nothing of each other: of those outside the global holdout, a campaign holds out
    `share`, and another campaign holds out others.

    Parameters
    ----------
    units : array of int64, shape (n,)
        Household of each person, or the person.
    campaign : str
        Its name.
    share : float
        Of those outside the global holdout, from 0 to 1.
    key : bytes
        At most 64 bytes.
    everywhere : float
        Share of the global holdout.
    period : str
        Of the global holdout.

    Returns
    -------
    Holdouts

    Raises
    ------
    UndefinedError
        A share outside 0 to 1.

    Examples
    --------
    >>> left = hold_out(np.arange(10_000), "spring", 0.1, b"secret", everywhere=0.02, period="2026")
    >>> int(left.everywhere.sum()), int((left.everywhere & left.here).sum())
    (202, 0)
    """
    aside = globally_held_out(units, everywhere, key, period)
    return Holdouts(aside, _held_out(units, share, key, ["campaign", campaign]) & ~aside)


def _held_out(units: Ids, share: float, key: bytes, scope: list[str]) -> Flags:
    if not 0 <= share <= 1:
        raise UndefinedError("a holdout", f"a share of {share:g}", "Give one from 0 to 1.")
    # JSON, so that no name of a campaign or period can spell another's.
    return uniforms(units, json.dumps(["holdout", *scope]), key) < share
