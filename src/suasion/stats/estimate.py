"""What suasion says instead of a bare number."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, the number of independent units behind it, and how it was made.

    Parameters
    ----------
    value, low, high : float
        Point and two-sided interval, in the unit of the quantity.
    n : int
        Independent units: persons, or clusters where `method` says so.
    method : str
        How value and interval were computed.
    level : float
        Confidence level of the interval.

    Examples
    --------
    >>> lift = Estimate(0.031, 0.012, 0.050, n=4000, method="AIPW")
    >>> lift.excludes_zero
    True
    >>> print(lift.scaled(100, digits=1))
    3.1 (1.2 to 5.0)
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    level: float = 0.95

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"an interval must hold its value: {self.low} <= {self.value} <= {self.high}")

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> Estimate:
        """The estimate in another unit.

        Parameters
        ----------
        factor : float
            A known constant; a negative one swaps the ends.

        Returns
        -------
        Estimate
        """
        low, high = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, low, high, self.n, self.method, self.level)

    def scaled(self, factor: float = 1, digits: int = 3) -> str:
        """The estimate as people read it: ``value (low to high)``, times `factor`."""
        shown = self.times(factor)
        return f"{shown.value:,.{digits}f} ({shown.low:,.{digits}f} to {shown.high:,.{digits}f})"

    def as_dict(self) -> dict[str, object]:
        """The estimate for JSON."""
        return asdict(self)
