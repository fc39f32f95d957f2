"""What a campaign says, all in all: stances and topics of the messages that were drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mix:
    """What a campaign says to the people who were drawn for a message.

    Parameters
    ----------
    messages : int
        Drawn messages.
    counts : array of int64, shape (s,)
        How many of them have each tag.
    """

    messages: int
    counts: Ids

    @property
    def shares(self) -> Floats | None:
        """The share of the messages that have each tag; None where there is no message."""
        return self.counts / self.messages if self.messages else None

    @property
    def entropy(self) -> float | None:
        """Entropy of the tags, as a share of the most there can be; None without tags to tell apart."""
        if not self.counts.any() or len(self.counts) < 2:
            return None
        shares = self.counts[self.counts > 0] / self.counts.sum()
        return abs(float((shares * np.log2(shares)).sum())) / math.log2(len(self.counts))


def mix(chosen: Ids, options: Bools) -> Mix:
    """Count the tags of what was drawn.

    Parameters
    ----------
    chosen : array of int64, shape (n,)
        Index of the option drawn for each person; 0 is nothing.
    options : array of bool, shape (k, s)

    Returns
    -------
    Mix

    Examples
    --------
    >>> drawn = mix(np.array([0, 1, 1, 2, 2]), np.array([[True, False], [False, True]]))
    >>> drawn.messages, drawn.counts.tolist(), drawn.entropy
    (4, [2, 2], 1.0)
    """
    drawn = np.bincount(chosen, minlength=len(options) + 1)[1:]
    return Mix(int(drawn.sum()), drawn @ options.astype(np.int64))
