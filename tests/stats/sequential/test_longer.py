"""What is said of the wait comes true."""

import numpy as np
import pytest
from scipy.stats import norm

from suasion.errors import UndefinedError
from suasion.stats.sequential import Looks, how_much_longer
from suasion.stats.sequential.mixture import needed


def now(value: float, error: float = 0.01, n: int = 1000) -> Looks:
    return Looks(np.array([value]), np.array([error]), np.array([[n, n]]))


@pytest.mark.parametrize("tuned_for", [None, 0.006])
@pytest.mark.parametrize("value", [0.012, -0.004])
def test_that_many_more_decide_with_that_chance(value: float, tuned_for: float | None):
    """Oracle: walks that go on from here, looked at once, at the end."""
    longer = how_much_longer(now(value), tuned_for, effect=0.015, power=0.7)
    assert longer.total is not None
    assert longer.more == longer.total - 2000
    times = longer.total / 2000
    bound = norm.isf(0.025)
    if tuned_for is not None:
        bound = needed(np.array([times * (tuned_for / 0.01) ** 2]), 0.05)[0]
    rng = np.random.default_rng(1)
    ends = value / 0.01 + 1.5 * (times - 1) + np.sqrt(times - 1) * rng.normal(size=40_000)
    assert np.mean(ends / np.sqrt(times) > bound) == pytest.approx(0.7, abs=0.02)
    assert f"{longer.more:,} more people ({longer.total:,} in all)" in longer.text
    assert "70 %" in longer.text


def test_looking_at_will_takes_longer_than_looking_once():
    once, always = how_much_longer(now(0.012)), how_much_longer(now(0.012), tuned_for=0.006)
    assert once.more is not None
    assert always.more is not None
    assert 0 < once.more < always.more


def test_what_is_decided_takes_no_longer():
    for sign in (1, -1):
        longer = how_much_longer(now(0.06 * sign), tuned_for=0.01, units="households")
        assert (longer.more, longer.total) == (0, 2000)
        assert longer.text == "It is decided with the 2,000 households there are."


def test_nothing_takes_for_ever():
    longer = how_much_longer(now(0.0), tuned_for=0.01)
    assert (longer.more, longer.total) == (None, None)
    assert "10,000 times as many people" in longer.text


def test_more_of_an_effect_takes_less():
    waits = [how_much_longer(now(0.005), 0.006, effect).more for effect in (0.01, 0.02, 0.04)]
    assert waits == sorted(waits, reverse=True)


def test_nobody_can_say_during_the_burn_in():
    with pytest.raises(UndefinedError, match="burn-in"):
        how_much_longer(now(0.1, n=29))
    with pytest.raises(UndefinedError, match="burn-in"):
        how_much_longer(Looks(np.zeros(0), np.zeros(0), np.zeros((0, 2), int)))
