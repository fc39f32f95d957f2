"""What an experiment can show, as numbers and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Power:
    """People, chance and effect that belong together: know two, and the third follows.

    Parameters
    ----------
    arms : tuple of int
        People in each arm, the control first.
    power : float
        Chance that the comparison of the smallest treatment with the control finds the effect.
    effect : float
        In the unit of the outcome; a share as a fraction.
    relative : float, optional
        The effect over the mean without treatment; None where that is 0.
    method : str
        The test and what it takes into account.
    sentence : str
        The answer in words.
    doubts : tuple of str
        Why the numbers may be off.
    """

    arms: tuple[int, ...]
    power: float
    effect: float
    relative: float | None
    method: str
    sentence: str
    doubts: tuple[str, ...]

    @property
    def people(self) -> int:
        """All of them."""
        return sum(self.arms)

    @property
    def holdout(self) -> float:
        """The share that is left alone."""
        return self.arms[0] / self.people


def divided(arms: tuple[int, ...]) -> str:
    """The arms in words.

    Examples
    --------
    >>> divided((250, 250)), divided((20, 40, 60))
    ('250 left alone, 250 treated', '20 left alone, 40 + 60 treated')
    >>> divided((20, 40, 40))
    '20 left alone, 40 in each of 2 treatments'
    """
    treated = arms[1:]
    if len(set(treated)) == 1 and len(treated) > 1:
        return f"{arms[0]:,} left alone, {treated[0]:,} in each of {len(treated)} treatments"
    return f"{arms[0]:,} left alone, {' + '.join(f'{people:,}' for people in treated)} treated"


def often(power: float) -> str:
    """A chance as people say it.

    Examples
    --------
    >>> often(0.8), often(0.734), often(0.999), often(0.001)
    ('8 times in 10', '73 times in 100', 'almost always', 'almost never')
    """
    hundred = round(100 * power)
    if hundred <= 0 or hundred >= 100:
        return "almost never" if hundred <= 0 else "almost always"
    count, of = (hundred // 10, 10) if hundred % 10 == 0 else (hundred, 100)
    return f"{'once' if count == 1 else f'{count} times'} in {of}"
