"""What is compared, and how chance decided who got it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Assignment(StrEnum):
    """How the treatments of a past experiment were given out."""

    KNOWN = "known"
    RANDOMIZED = "randomized"
    OBSERVED = "observed"


@dataclass(frozen=True)
class Treatment:
    """A variant in a channel, or an offer, or nothing.

    Parameters
    ----------
    name : str
    message : str, optional
        Name of the message it shows; None for nothing.
    cost : float
        Money for every person treated.
    price : float
        Money where the outcome `price_if` comes true as well.
    price_if : str, optional
        Name of an outcome.
    """

    name: str
    message: str | None = None
    cost: float = 0.0
    price: float = 0.0
    price_if: str | None = None


@dataclass(frozen=True)
class Design:
    """The treatments of an experiment and the chance of each.

    Parameters
    ----------
    treatments : tuple of Treatment
        The control first.
    assignment : Assignment
        `KNOWN`: probabilities were set beforehand and are given. `RANDOMIZED`: by chance, shares
        unknown. `OBSERVED`: nobody drew; the probabilities are estimated from what is known of people.
    probabilities : tuple of float, optional
        Known constant probabilities in the order of the treatments.
    """

    treatments: tuple[Treatment, ...]
    assignment: Assignment
    probabilities: tuple[float, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the treatments, the control first."""
        return tuple(treatment.name for treatment in self.treatments)
