"""What could be done for each person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Options:
    """What could be done for each person; nothing is always possible and not listed.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    control : str
        What nothing is called.
    treatments : tuple of str, length k
    effects : array of float, shape (n, k)
        Expected effect of each treatment against nothing, in units of the outcome; NaN where it is unknown.
    costs : array of float, shape (n, k) or (1, k)
        Expected cost, money; one row where it is the same for everybody.
    permitted : array of bool, shape (k,)
        Whether the treatment's message passed review under the rules.
    values : array of float, shape (n, k), optional
        What is maximized, NaN where the effect is unknown; the effects where not given.
    closed : array of bool, shape (n, k), optional
        Options closed to a person, for example by a cap of frequency.
    """

    persons: Ids
    control: str
    treatments: tuple[str, ...]
    effects: Floats
    costs: Floats
    permitted: Bools
    values: Floats | None = None
    closed: Bools | None = None

    @property
    def worth(self) -> Floats:
        """What is maximized; shape (n, k)."""
        return self.effects if self.values is None else self.values

    @property
    def open(self) -> Bools:
        """Which may be chosen: permitted, not closed, known, and not expected to harm; shape (n, k)."""
        harmless = self.permitted[None, :] & (self.worth >= 0)
        return harmless if self.closed is None else harmless & ~self.closed
