"""Group-sequential boundaries are those of the books, for whatever looks there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from suasion.errors import UndefinedError
from suasion.stats.sequential import GroupSequential, Looks
from suasion.stats.sequential.crossing import walk


def crossed(highs: np.ndarray, fractions: np.ndarray, drift: float = 0.0, sides: int = 2) -> float:
    lows = -highs if sides == 2 else np.full(len(highs), -np.inf)
    return sum(low + high for low, high, _ in walk(fractions, lows, highs, drift))


def shape(kind: str, looks: int) -> np.ndarray:
    return np.ones(looks) if kind == "pocock" else np.sqrt(looks / np.arange(1, looks + 1))


def constant(kind: str, looks: int, alpha: float) -> float:
    at = np.arange(1, looks + 1) / looks
    return brentq(lambda c: crossed(c * shape(kind, looks), at) - alpha, 1, 5)


# Jennison and Turnbull 2000, tables 2.1 and 2.3.
@pytest.mark.parametrize(
    ("kind", "looks", "alpha", "published"),
    [
        ("pocock", 2, 0.05, 2.178),
        ("pocock", 5, 0.05, 2.413),
        ("pocock", 10, 0.05, 2.555),
        ("pocock", 20, 0.05, 2.672),
        ("pocock", 5, 0.10, 2.122),
        ("obrien-fleming", 2, 0.05, 1.977),
        ("obrien-fleming", 5, 0.05, 2.040),
        ("obrien-fleming", 10, 0.05, 2.087),
    ],
)
def test_constants_are_those_of_the_tables(kind: str, looks: int, alpha: float, published: float):
    assert constant(kind, looks, alpha) == pytest.approx(published, abs=0.0006)


# Jennison and Turnbull 2000, tables 2.2 and 2.4: largest sample over that of the fixed test.
@pytest.mark.parametrize(
    ("kind", "power", "published"),
    [
        ("pocock", 0.8, 1.229),
        ("pocock", 0.9, 1.207),
        ("obrien-fleming", 0.8, 1.028),
        ("obrien-fleming", 0.9, 1.026),
    ],
)
def test_sample_sizes_are_those_of_the_tables(kind: str, power: float, published: float):
    at, highs = np.arange(1, 6) / 5, constant(kind, 5, 0.05) * shape(kind, 5)
    drift = brentq(lambda d: crossed(highs, at, d) - power, 1, 6)
    assert (drift / (norm.isf(0.025) + norm.ppf(power))) ** 2 == pytest.approx(published, abs=0.0011)


# Lan and DeMets: five equal looks, alpha 0.05 on two sides.
@pytest.mark.parametrize(
    ("spending", "published"),
    [
        ("obrien-fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_spending_gives_the_published_boundaries(spending: str, published: list[float]):
    found = GroupSequential(spending=spending).boundaries([0.2, 0.4, 0.6, 0.8, 1.0])
    assert found == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("drift", [0.0, 1.7])
def test_chances_are_those_of_a_multivariate_normal(drift: float):
    at, highs = np.array([0.15, 0.6, 1.0]), np.array([2.3, 2.2, 2.0])
    covariance = np.sqrt(np.minimum.outer(at, at) / np.maximum.outer(at, at))
    mean = drift * np.sqrt(at)
    inside = multivariate_normal.cdf(
        highs, mean, covariance, lower_limit=-highs, abseps=1e-7, releps=1e-7, rng=np.random.default_rng(1)
    )
    assert crossed(highs, at, drift) == pytest.approx(1 - inside, abs=2e-6)


looks_as_they_come = (
    st.lists(st.floats(0.001, 1.2), min_size=1, max_size=7)
    .map(np.cumsum)
    .map(lambda at: (at / max(1.0, at[-1])).tolist())
)


@settings(max_examples=30, deadline=None)
@given(
    looks_as_they_come,
    st.sampled_from(["obrien-fleming", "pocock", "kim-demets"]),
    st.sampled_from([1, 2]),
    st.floats(0.005, 0.2),
)
def test_all_of_alpha_and_no_more_is_spent(fractions: list[float], spending: str, sides: int, alpha: float):
    design = GroupSequential(alpha, spending, sides)
    highs = design.boundaries(fractions, ended=True)
    assert crossed(highs, np.array(fractions), sides=sides) == pytest.approx(alpha, abs=1e-6)
    assert crossed(design.boundaries(fractions), np.array(fractions), sides=sides) <= alpha + 1e-6


def test_what_comes_later_changes_no_boundary():
    whole = GroupSequential(spending="pocock").boundaries([0.1, 0.35, 0.36, 0.8, 1.0])
    assert GroupSequential(spending="pocock").boundaries([0.1, 0.35]) == pytest.approx(whole[:2], abs=1e-7)


def test_nothing_is_left_after_the_planned_end():
    found = GroupSequential().boundaries([0.5, 1.1, 1.3])
    assert np.isfinite(found[:2]).all()
    assert found[2] == np.inf


def test_a_single_look_is_the_fixed_test():
    assert GroupSequential().boundaries([1.0]) == pytest.approx([norm.isf(0.025)])
    assert GroupSequential().boundaries([0.3], ended=True) == pytest.approx([norm.isf(0.025)])
    assert GroupSequential(sides=1).inflation([1.0], 0.9) == pytest.approx(1)


def test_five_looks_cost_little_and_have_the_power_they_claim():
    at = [0.2, 0.4, 0.6, 0.8, 1.0]
    inflated = GroupSequential().inflation(at)
    assert 1 < inflated < 1.03
    drift = np.sqrt(inflated) * (norm.isf(0.025) + norm.ppf(0.8))
    assert GroupSequential().power(at, drift)[-1] == pytest.approx(0.8, abs=1e-6)


def course(z: list[float], fractions: list[float]) -> Looks:
    errors = 1 / np.sqrt(np.array(fractions))
    return Looks(np.array(z) * errors, errors, np.full((len(z), 2), 100))


def test_a_look_that_adds_nothing_spends_nothing():
    design = GroupSequential()
    plain = design.course(course([1, 1.2, 2.5], [0.3, 0.6, 1.0]), 1.0)
    repeated = design.course(course([1, 1, 1.2, 1.3, 2.5], [0.3, 0.3, 0.6, 0.55, 1.0]), 1.0)
    assert [repeated.estimates[i] for i in (0, 2, 4)] == list(plain.estimates)
    assert repeated.estimates[1] is repeated.estimates[3] is None
    assert (plain.decided_at, repeated.decided_at) == (2, 4)


def test_a_fixed_test_ends_with_its_own_interval():
    final = GroupSequential().final(course([1.3], [1.0]), 1.0)
    assert final is not None
    assert (final.value, final.low, final.high) == pytest.approx(
        (1.3, 1.3 - norm.isf(0.025), 1.3 + norm.isf(0.025))
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=3, max_size=3), st.sampled_from(["obrien-fleming", "pocock"]))
def test_the_final_interval_agrees_with_the_decision_and_mirrors(z: list[float], spending: str):
    design, looks = GroupSequential(spending=spending), course(z, [0.3, 0.6, 1.0])
    decided, final = design.course(looks, 1.0).decided_at, design.final(looks, 1.0)
    assert final is not None
    assert final.excludes_zero == (decided is not None)
    mirrored = design.final(course([-one for one in z], [0.3, 0.6, 1.0]), 1.0)
    assert mirrored is not None
    assert (-mirrored.high, -mirrored.low) == pytest.approx((final.low, final.high), abs=1e-5)


def test_there_is_no_final_interval_while_the_test_goes_on():
    looks = course([1.0, 1.1], [0.3, 0.6])
    assert GroupSequential().final(looks, 1.0) is None
    assert GroupSequential().final(looks, 1.0, ended=True) is not None


def test_stopping_early_shrinks_what_was_seen():
    final = GroupSequential(spending="pocock").final(course([3.0], [0.2]), 1.0)
    later = GroupSequential(spending="pocock").final(course([1.0, 3.0], [0.2, 0.4]), 1.0)
    assert final is not None
    assert later is not None
    assert final.value == pytest.approx(3.0 / np.sqrt(0.2))  # nothing comes before the first look
    assert later.value < 3.0 / np.sqrt(0.4)


def finals(runs: int, drift: float, seed: int) -> np.ndarray:
    at, rng = np.array([0.25, 0.5, 0.75, 1.0]), np.random.default_rng(seed)
    steps = drift * 0.25 + 0.5 * rng.normal(size=(runs, 4))
    scores = steps.cumsum(axis=1) / np.sqrt(at)
    found = [GroupSequential(spending="pocock").final(course(z, at.tolist()), 1.0) for z in scores.tolist()]
    return np.array([(one.value, one.low, one.high) for one in found if one])


@pytest.mark.slow
@pytest.mark.parametrize("drift", [0.0, 2.0, 3.5])
def test_final_estimates_are_median_unbiased_and_cover(drift: float):
    values = finals(300, drift, 7)
    assert len(values) == 300
    assert np.mean(values[:, 0] < drift) == pytest.approx(0.5, abs=3.3 * np.sqrt(0.25 / 300))
    covered = (values[:, 1] <= drift) & (drift <= values[:, 2])
    assert np.mean(covered) == pytest.approx(0.95, abs=3.3 * np.sqrt(0.95 * 0.05 / 300))


@pytest.mark.parametrize("fractions", [[], [0.0, 0.5], [0.5, 0.5], [0.5, 0.4], [0.5, np.inf], [np.nan]])
def test_looks_out_of_order_are_refused(fractions: list[float]):
    with pytest.raises(UndefinedError, match="fractions"):
        GroupSequential().boundaries(fractions)


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 0.5}, {"sides": 3}, {"exponent": 0.0}])
def test_a_design_that_is_none_is_refused(wrong: dict[str, float]):
    with pytest.raises(UndefinedError, match="design"):
        GroupSequential(**wrong)  # pyright: ignore[reportArgumentType]
