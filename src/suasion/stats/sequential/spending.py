"""How much of alpha may be spent by when."""

from __future__ import annotations

from math import e, log, sqrt
from typing import Literal

from scipy.special import ndtr, ndtri

Spending = Literal["obrien-fleming", "pocock", "kim-demets"]


def spent(kind: Spending, alpha: float, fraction: float, exponent: float) -> float:
    """Alpha that may be spent by this fraction of the planned information, on one side.

    Source: Lan and DeMets 1983, Biometrika 70:659 (of the O'Brien-Fleming and Pocock type); Kim and DeMets
    1987, Biometrika 74:149 (alpha times a power of the fraction).

    Parameters
    ----------
    kind : Spending
        obrien-fleming is stingy early, pocock is not, kim-demets lies where `exponent` puts it.
    alpha : float
        Of this side.
    fraction : float
        Above 0; all is spent from 1 on.
    exponent : float
        Of kim-demets.

    Returns
    -------
    float
    """
    at = min(fraction, 1.0)
    if kind == "obrien-fleming":
        return float(2 * ndtr(ndtri(alpha / 2) / sqrt(at)))
    return alpha * log(1 + (e - 1) * at) if kind == "pocock" else alpha * at**exponent
