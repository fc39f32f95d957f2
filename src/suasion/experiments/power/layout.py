"""How people are divided among arms, and how much each of them tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from math import sqrt

from suasion.errors import UndefinedError

ASKED = "the layout of an experiment"


@dataclass(frozen=True)
class Clusters:
    """Units that are treated as a whole: households, streets, schools.

    Parameters
    ----------
    size : float
        Mean number of people in one.
    icc : float
        Intraclass correlation of the outcome: 0 where people of one unit are like strangers, 1 where all
        are alike.
    variation : float
        Standard deviation of the sizes over their mean.

    Examples
    --------
    >>> round(Clusters(size=20, icc=0.05).effect, 2)
    1.95
    """

    size: float
    icc: float
    variation: float = 0.0

    def __post_init__(self) -> None:
        if not (self.size >= 1 and 0 <= self.icc <= 1 and self.variation >= 0):
            found = f"size {self.size:g}, icc {self.icc:g}, variation {self.variation:g}"
            raise UndefinedError("clusters", found, "Give a size of 1 or more, an icc from 0 to 1.")

    @property
    def effect(self) -> float:
        """How many times as many people it takes: 1 + ((cv^2 + 1) m - 1) ICC.

        Source: Eldridge, Ashby, Kerry 2006, International Journal of Epidemiology 35:1292.
        """
        return 1 + ((self.variation**2 + 1) * self.size - 1) * self.icc


@dataclass(frozen=True)
class Layout:
    """Who gets what, and how the arms are compared.

    Each treatment is compared with the control, two-sided, at `level` divided by their number (Bonferroni;
    it is the first step of Holm 1979, so that Holm's test sees at least as much).

    Parameters
    ----------
    shares : tuple of float
        Of people in each arm, the control first; they sum to 1.
    level : float
        Chance of any false finding over all comparisons.
    correlation : float
        Of the outcome with what is known of people beforehand. CUPED leaves 1 - rho^2 of the variance
        (Deng, Xu, Kohavi, Walker 2013, WSDM).
    clusters : Clusters, optional
        What is drawn as a whole; Student's t then has the clusters of the two arms less 2 as degrees of
        freedom.

    Examples
    --------
    >>> Layout.holding_out(0.1, treatments=3).split(1000)
    (100, 300, 300, 300)
    """

    shares: tuple[float, ...] = (0.5, 0.5)
    level: float = 0.05
    correlation: float = 0.0
    clusters: Clusters | None = None

    def __post_init__(self) -> None:
        if len(self.shares) < 2 or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-9:
            found = f"shares {', '.join(f'{share:g}' for share in self.shares)}"
            raise UndefinedError(ASKED, found, "Give a control and a treatment at least; all sum to 1.")
        if not (0 < self.level < 1 and -1 < self.correlation < 1):
            found = f"level {self.level:g}, correlation {self.correlation:g}"
            raise UndefinedError(ASKED, found, "Give a level in (0, 1), a correlation in (-1, 1).")

    @classmethod
    def holding_out(cls, share: float, treatments: int = 1) -> Layout:
        """A holdout of this share, the others evenly over the treatments.

        Parameters
        ----------
        share : float
        treatments : int

        Returns
        -------
        Layout
        """
        return cls((share, *[(1 - share) / treatments] * treatments))

    def leaving(self, share: float) -> Layout:
        """The same with another share left alone."""
        scale = (1 - share) / (1 - self.shares[0])
        return replace(self, shares=(share, *(treated * scale for treated in self.shares[1:])))

    @property
    def method(self) -> str:
        """What is added to the name of a test."""
        count = len(self.shares) - 1
        several = f", Bonferroni over {count} treatments" if count > 1 else ""
        known = f", CUPED with correlation {self.correlation:g}" if self.correlation else ""
        if self.clusters is None:
            return several + known
        return f"{several}{known}, clusters (design effect {self.clusters.effect:.3g}, t)"

    @property
    def factor(self) -> float:
        """What the variance of a mean is multiplied by."""
        return (1 - self.correlation**2) * (1 if self.clusters is None else self.clusters.effect)

    @property
    def each(self) -> float:
        """Level of each comparison."""
        return self.level / (len(self.shares) - 1)

    @property
    def even(self) -> float:
        """The share of a control that serves best where all arms vary alike: sqrt(k) to 1 (Dunnett 1955)."""
        return 1 / (1 + sqrt(len(self.shares) - 1))

    def split(self, people: int) -> tuple[int, ...]:
        """Whole people in each arm, together `people`."""
        ends = [round(people * share) for share in accumulate(self.shares[:-1])]
        return tuple(end - start for start, end in zip([0, *ends], [*ends, people], strict=True))
