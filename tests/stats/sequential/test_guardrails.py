"""Harm is shown when it is there, and seldom when it is not."""

import numpy as np
import pytest
from scipy.stats import binomtest

from suasion.errors import CampaignError, UndefinedError
from suasion.stats.sequential import Counts, Guardrail, Looks, rate_sequence, watch

COMPLAINTS = Guardrail("complaints", tuned_for=20_000, most=0.001)
GIFTS = Guardrail("gifts of the next year", tuned_for=0.1, least=-0.5)


def mailed(rate: float, seed: int, looks: int = 40) -> Counts:
    rng = np.random.default_rng(seed)
    return Counts(rng.binomial(500, rate, looks).cumsum(), 500 * np.arange(1, looks + 1))


def given(effect: float, seed: int, looks: int = 40) -> Looks:
    """Gifts of treated minus holdout, known as they come."""
    rng = np.random.default_rng(seed)
    at = np.arange(1, looks + 1)
    errors = 0.6 / np.sqrt(at)
    return Looks(
        effect + rng.normal(0, 0.6, looks).cumsum() / at, errors, np.stack([at * 50, at * 50], axis=1)
    )


def test_harm_is_shown_at_its_first_look_and_stays():
    (verdict,) = watch([COMPLAINTS], {"complaints": mailed(0.004, 1)})
    assert (verdict.state, verdict.harm_at is not None) == ("harm", True)
    assert verdict.estimate is not None
    assert verdict.estimate.low > 0.001
    assert verdict.harm_at is not None
    assert f"harm shown at look {verdict.harm_at + 1}, " in verdict.text
    assert verdict.text.endswith("0.001 is the most. Stop.")
    counts = mailed(0.004, 1)
    until = Counts(counts.events[: verdict.harm_at], counts.n[: verdict.harm_at])
    assert watch([COMPLAINTS], {"complaints": until})[0].state != "harm"
    healed = Counts(np.append(counts.events, counts.events[-1]), np.append(counts.n, 10**7))
    assert watch([COMPLAINTS], {"complaints": healed})[0] == verdict


def test_what_is_within_its_limit_is_called_fine():
    (verdict,) = watch([COMPLAINTS], {"complaints": mailed(0.0002, 2, 80)})
    assert (verdict.state, verdict.harm_at) == ("fine", None)
    assert "Stop" not in verdict.text


def test_too_little_is_not_yet_known():
    none, few = Counts(np.zeros(1, int), np.zeros(1, int)), Counts(np.array([1]), np.array([100]))
    for seen in (none, few, Counts(np.zeros(0, int), np.zeros(0, int))):
        (verdict,) = watch([COMPLAINTS], {"complaints": seen})
        assert (verdict.state, verdict.harm_at) == ("unknown", None)
        assert "not yet known" in verdict.text
    (verdict,) = watch([GIFTS], {GIFTS.name: given(-9, 3, 0)})
    assert verdict.estimate is None


def test_harm_below_the_least_is_harm():
    states = [watch([GIFTS], {GIFTS.name: given(effect, 4)})[0].state for effect in (-1.2, -0.5, 0.3)]
    assert states == ["harm", "unknown", "fine"]


def test_a_limit_on_one_side_is_that_of_the_other_turned():
    looks = given(-1.2, 5)
    turned = Looks(-looks.values, looks.errors, looks.units)
    least = watch([GIFTS], {GIFTS.name: looks})[0]
    most = watch([Guardrail("losses", GIFTS.tuned_for, most=0.5)], {"losses": turned})[0]
    assert (most.state, most.harm_at) == (least.state, least.harm_at)


def test_several_guardrails_share_alpha():
    seen = {"complaints": mailed(0.0015, 6), GIFTS.name: given(0.1, 6)}
    first, second = watch([COMPLAINTS, GIFTS], seen, alpha=0.05)
    assert first.estimate in rate_sequence(mailed(0.0015, 6), 0.001, 20_000, 0.975)
    assert second.estimate is not None
    assert second.estimate.level == pytest.approx(0.95)


def test_guardrails_at_their_limits_seldom_stop_a_campaign():
    stops = 0
    for seed in range(300):
        seen = {"complaints": mailed(0.001, seed), GIFTS.name: given(-0.5, 1000 + seed)}
        stops += any(verdict.state == "harm" for verdict in watch([COMPLAINTS, GIFTS], seen))
    assert binomtest(stops, 300, 0.05, alternative="greater").pvalue > 0.001


def test_a_guardrail_has_one_limit():
    for limits in ({}, {"most": 1.0, "least": 0.0}):
        with pytest.raises(CampaignError, match="exactly one limit"):
            Guardrail("complaints", 100, **limits)


def test_a_guardrail_of_which_nothing_is_seen_is_refused():
    for rails, seen in [([COMPLAINTS], {}), ([], {}), ([COMPLAINTS] * 2, {"complaints": mailed(0.001, 1)})]:
        with pytest.raises(UndefinedError, match="guardrail"):
            watch(rails, seen)
