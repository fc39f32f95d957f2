"""People whom nobody writes to, so that the good of all campaigns can be proved."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.experiments.chance import uniforms

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


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
    if not 0 <= share <= 1:
        raise UndefinedError("a holdout", f"a share of {share:g}", "Give one from 0 to 1.")
    # JSON, so that no period can spell what something else is drawn by.
    return uniforms(units, json.dumps(["holdout", "all campaigns", period]), key) < share
