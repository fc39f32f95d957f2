"""Effects of arms keep what they must, agree with dense matrices, and are refused where they do not exist."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from suasion.errors import UndefinedError
from suasion.stats import difference_in_means
from suasion.stats.arms import Effect, compare, complier, cuped, ratio, relative

Effects = tuple[Effect, ...]
Trial = dict[str, np.ndarray]


def trial(seed: int, n: int = 90, arms: int = 3, homes: int = 30) -> Trial:
    """A small trial with everything: arms drawn by person, so that most households are in several."""
    luck = np.random.default_rng(seed)
    before = luck.normal(size=n)
    arm = luck.permutation(np.arange(n) % arms)
    clusters = luck.integers(0, homes, n) * 1_000_003
    values = 5 + before + 0.3 * arm + luck.normal(size=homes)[clusters // 1_000_003] + luck.normal(size=n)
    return {
        "values": values,
        "arms": arm,
        "before": before,
        "features": np.column_stack([before, luck.normal(size=n) > 0]),
        "clusters": clusters,
        "weights": luck.uniform(0.5, 3, n),
        "probabilities": luck.uniform(0.1, 0.6, n),
        "visits": 1.0 + luck.poisson(2, n),
        "taken": ((arm > 0) & (luck.random(n) < 0.8)),
    }


ANALYSES: dict[str, Callable[[Trial], Effects]] = {
    "difference": lambda t: compare(t["values"], t["arms"]),
    "clustered": lambda t: compare(t["values"], t["arms"], clusters=t["clusters"]),
    "adjusted": lambda t: compare(t["values"], t["arms"], t["features"]),
    "adjusted, clustered": lambda t: compare(t["values"], t["arms"], t["features"], t["clusters"]),
    "weighted": lambda t: compare(
        t["values"], t["arms"], t["before"], t["clusters"], t["weights"], t["probabilities"]
    ),
    "relative": lambda t: relative(t["values"], t["arms"], t["features"], t["clusters"]),
    "cuped": lambda t: cuped(t["values"], t["before"], t["arms"], t["clusters"]),
    "ratio": lambda t: ratio(t["values"], t["visits"], t["arms"], t["clusters"]),
    "ratio, cuped": lambda t: ratio(
        t["values"], t["visits"], t["arms"], t["clusters"], before=(t["before"], t["visits"])
    ),
    "complier": lambda t: complier(t["values"], t["arms"], t["taken"], t["clusters"]),
    "complier, adjusted": lambda t: complier(
        t["values"], t["arms"], t["taken"], t["clusters"], t["features"]
    ),
}
each = pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)


def close(one: Effects, other: Effects, scale: float = 1.0) -> None:
    assert len(one) == len(other)
    for mine, yours in zip(one, other, strict=True):
        ends, others = ((e.low, e.value, e.high) for e in (mine.estimate, yours.estimate))
        assert ends == pytest.approx(others, rel=1e-7, abs=1e-7 * scale)
        assert mine.p_value == pytest.approx(yours.p_value, rel=1e-5, abs=1e-9)
        assert mine.reduction == (yours.reduction and pytest.approx(yours.reduction, rel=1e-6))
        assert (mine.arm, mine.estimate.n, mine.estimate.method) == (
            yours.arm,
            yours.estimate.n,
            yours.estimate.method,
        )


def times(effects: Effects, factor: float) -> Effects:
    return tuple(replace(effect, estimate=effect.estimate.times(factor)) for effect in effects)


@each
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(analysis: Callable[[Trial], Effects], seed: int):
    given_trial = trial(seed)
    order = np.random.default_rng(seed + 1).permutation(90)
    close(analysis({name: column[order] for name, column in given_trial.items()}), analysis(given_trial))


@each
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_names_of_households_do_not_matter(analysis: Callable[[Trial], Effects], seed: int):
    given_trial = trial(seed)
    renamed = given_trial | {"clusters": -(given_trial["clusters"] // 1_000_003)}
    close(analysis(renamed), analysis(given_trial))


@pytest.mark.parametrize("name", sorted(ANALYSES.keys() - {"relative"}))
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([-1e6, -1.0, 1e-6, 30.0]))
def test_another_unit_changes_the_unit_alone(name: str, seed: int, factor: float):
    given_trial, analysis = trial(seed), ANALYSES[name]
    close(
        analysis(given_trial | {"values": factor * given_trial["values"]}),
        times(analysis(given_trial), factor),
        scale=abs(factor),
    )


@pytest.mark.parametrize("name", [name for name in ANALYSES if "ratio" not in name and name != "relative"])
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000), shift=st.sampled_from([-1e5, 3.0, 1e5]))
def test_what_everybody_gets_anyway_changes_nothing(name: str, seed: int, shift: float):
    given_trial, analysis = trial(seed), ANALYSES[name]
    close(analysis(given_trial | {"values": given_trial["values"] + shift}), analysis(given_trial))


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_other_units_of_covariates_change_nothing(seed: int):
    t = trial(seed)
    moved = t["features"] @ np.array([[2.0, 1000.0], [-0.5, 3.0]]) + np.array([7.0, -1e3])
    more = np.column_stack([moved, moved.sum(axis=1), np.full(90, 4.0)])
    for clusters in (None, t["clusters"]):
        plain = compare(t["values"], t["arms"], t["features"], clusters)
        close(compare(t["values"], t["arms"], moved, clusters), plain)
        close(compare(t["values"], t["arms"], more, clusters), plain)


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_a_ratio_turned_around_is_one_over_it(seed: int):
    t = trial(seed, arms=2)
    there, back = (
        relative(t["values"], arms, t["before"], t["clusters"])[0] for arms in (t["arms"], 1 - t["arms"])
    )
    assert 1 + back.estimate.low == pytest.approx(1 / (1 + there.estimate.high))
    assert 1 + back.estimate.value == pytest.approx(1 / (1 + there.estimate.value))
    assert back.p_value == pytest.approx(there.p_value)


@each
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_an_interval_without_zero_has_a_small_p_value(analysis: Callable[[Trial], Effects], seed: int):
    for effect in analysis(trial(seed)):
        assert effect.estimate.excludes_zero == (effect.p_value < 0.05)


def dense(t: Trial, features: np.ndarray, clusters: np.ndarray, weights: np.ndarray, arm: int):
    """Value, CR2 error and Satterthwaite's degrees of freedom with matrices of persons by persons."""
    root = np.sqrt(weights)[:, None]
    inside = [(t["arms"] == one).astype(float)[:, None] for one in range(t["arms"].max() + 1)]
    design = np.hstack([one * np.column_stack([np.ones(len(root)), features]) for one in inside]) * root
    q = features.shape[1] + 1
    aim = np.zeros(len(inside) * q)
    aim[arm * q], aim[0] = 1, -1
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ (root[:, 0] * t["values"])
    left = np.eye(len(root)) - design @ bread @ design.T
    pulls = []
    for one in np.unique(clusters):
        rows = np.flatnonzero(clusters == one)
        sizes, axes = np.linalg.eigh(left[np.ix_(rows, rows)])
        inverse = (axes * np.where(sizes > 1e-8, np.maximum(sizes, 1e-8) ** -0.5, 0)) @ axes.T
        pull = np.zeros(len(root))
        pull[rows] = inverse @ design[rows] @ bread @ aim
        pulls.append(pull)
    pulls = np.array(pulls) @ left
    residual = root[:, 0] * t["values"]
    products = pulls @ pulls.T
    freedom = np.trace(products) ** 2 / (products**2).sum()
    return aim @ beta, np.sqrt(((pulls @ residual) ** 2).sum()), freedom


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("homes", [12, 30, None])
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_are_those_of_dense_matrices(adjusted: bool, homes: int | None, weighted: bool):
    t = trial(5, n=120, homes=homes or 30)
    clusters = t["clusters"] if homes else np.arange(120)
    weights = t["weights"] if weighted else np.ones(120)
    counted = weights / t["probabilities"] if weighted else weights
    features = t["features"] if adjusted else np.empty((120, 0))
    centered = features - np.average(features, axis=0, weights=weights)
    chances = {"weights": t["weights"], "probabilities": t["probabilities"]} if weighted else {}
    found = compare(t["values"], t["arms"], t["features"] if adjusted else None, clusters, **chances)
    for effect in found:
        value, error, freedom = dense(t, centered, clusters, counted, effect.arm)
        assert effect.estimate.value == pytest.approx(value, rel=1e-9)
        half = effect.estimate.high - effect.estimate.value
        assert half == pytest.approx(error * student.ppf(0.975, freedom), rel=1e-8)
        assert effect.p_value == pytest.approx(2 * student.sf(abs(value) / error, freedom), rel=1e-6)
        assert effect.estimate.n == len(np.unique(clusters[np.isin(t["arms"], (0, effect.arm))]))


def test_many_light_households_and_a_heavy_one_are_mended_as_dense_matrices_do():
    luck = np.random.default_rng(8)
    n = 1500
    clusters = np.where(np.arange(n) < 60, 0, np.arange(n) // 2)
    t = trial(8, n=n, homes=40) | {"clusters": clusters}
    features = luck.normal(size=(n, 2))
    (first, _) = compare(t["values"], t["arms"], features, clusters)
    value, error, freedom = dense(t, features - features.mean(axis=0), clusters, np.ones(n), 1)
    half = first.estimate.high - first.estimate.value
    assert (first.estimate.value, half) == pytest.approx(
        (value, error * student.ppf(0.975, freedom)), rel=1e-9
    )


def test_without_anything_else_it_is_the_difference_in_means():
    t = trial(2)
    for effect in compare(t["values"], t["arms"]):
        parts = (t["values"][t["arms"] == arm] for arm in (effect.arm, 0))
        plain = difference_in_means(*parts)
        mine = effect.estimate
        assert (mine.low, mine.value, mine.high) == pytest.approx((plain.low, plain.value, plain.high))
        assert (mine.n, effect.reduction) == (60, None)


def test_a_weight_of_zero_is_nobody():
    t = trial(3)
    kept = t["weights"] > 0.9
    weighted = compare(t["values"], t["arms"], t["before"], t["clusters"], np.where(kept, 1.5, 0.0))
    fewer = compare(*(t[name][kept] for name in ("values", "arms", "before", "clusters")))
    for mine, yours in zip(weighted, fewer, strict=True):
        assert mine.estimate.scaled(digits=9) == yours.estimate.scaled(digits=9)


def test_equal_chances_change_nothing():
    t = trial(4)
    alike = compare(t["values"], t["arms"], t["features"], t["clusters"], probabilities=np.full(90, 0.3))
    for mine, yours in zip(alike, ANALYSES["adjusted, clustered"](t), strict=True):
        assert mine.estimate.scaled(digits=9) == yours.estimate.scaled(digits=9)


def test_chances_that_follow_the_outcome_are_made_good():
    luck = np.random.default_rng(6)
    able = luck.random(40_000)
    chance = 0.1 + 0.8 * able
    arms = (luck.random(40_000) < chance).astype(np.int64)
    values = able + 0.5 * arms
    own = np.where(arms, chance, 1 - chance)
    (naive,), (right,) = compare(values, arms), compare(values, arms, probabilities=own)
    assert naive.estimate.low > 0.6
    assert right.estimate.low < 0.5 < right.estimate.high < 0.55


def test_each_end_of_a_compliers_interval_is_barely_not_rejected():
    t = trial(9)
    for effect in complier(t["values"], t["arms"], t["taken"], t["clusters"]):
        for end in (effect.estimate.low, effect.estimate.high):
            rest = compare(t["values"] - end * t["taken"], t["arms"], clusters=t["clusters"])[effect.arm - 1]
            assert rest.p_value == pytest.approx(0.05, rel=1e-6)


def test_where_all_comply_the_draw_is_the_treatment():
    t = trial(10, arms=2)
    (drawn,) = compare(t["values"], t["arms"], t["features"], t["clusters"])
    (taken,) = complier(t["values"], t["arms"], t["arms"] == 1, t["clusters"], t["features"])
    assert taken.estimate.scaled(digits=9) == drawn.estimate.scaled(digits=9)
    assert taken.p_value == pytest.approx(drawn.p_value)


@pytest.mark.parametrize("taken", [np.zeros(90, bool), np.ones(90, bool), np.arange(90) % 3 == 0])
def test_take_up_that_does_not_differ_says_nothing_of_compliers(taken: np.ndarray):
    t = trial(11)
    with pytest.raises(UndefinedError, match="not told apart"):
        complier(t["values"], np.arange(90) // 2 % 2, taken)


def test_a_relative_effect_on_nothing_is_undefined():
    t = trial(12)
    with pytest.raises(UndefinedError, match="not above 0"):
        relative(np.where(t["arms"] == 0, -t["values"], t["values"]), t["arms"])
    with pytest.raises(UndefinedError, match="not above 0"):
        relative((t["arms"] > 0) * t["values"], t["arms"])


def test_denominators_that_count_nothing_are_refused():
    t = trial(13)
    with pytest.raises(UndefinedError, match="sums to 0"):
        ratio(t["values"], np.where(t["arms"] == 2, 0.0, t["visits"]), t["arms"])


def test_a_number_from_before_that_is_the_same_for_all_is_refused():
    t = trial(14)
    with pytest.raises(UndefinedError, match="same for all"):
        cuped(t["values"], np.full(90, 0.1), t["arms"])


@each
@pytest.mark.parametrize(
    "values", [np.zeros(90), np.full(90, 0.1), np.full(90, 1e9)], ids=["0", "0.1", "1e9"]
)
def test_outcomes_that_are_all_the_same_are_refused(analysis: Callable[[Trial], Effects], values: np.ndarray):
    fixed = trial(15) | {"values": values, "visits": np.ones(90)}
    with pytest.raises(UndefinedError, match=r"do not vary|not above 0"):
        analysis(fixed)


def test_an_outcome_that_covariates_tell_exactly_is_refused():
    t = trial(16)
    with pytest.raises(UndefinedError, match="covariates that are the outcome"):
        compare(t["values"], t["arms"], np.column_stack([t["before"], 2 * t["values"] + 1]))
    with pytest.raises(UndefinedError, match="do not vary"):
        cuped(t["values"], t["values"], t["arms"])


@each
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(analysis: Callable[[Trial], Effects], bad: float):
    t = trial(17)
    with pytest.raises(UndefinedError, match="not finite"):
        analysis(t | {"values": np.append(t["values"][:-1], bad)})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"covariates": np.append(np.nan, np.ones(89))}, "not finite"),
        ({"weights": np.append(np.nan, np.ones(89))}, "not finite"),
        ({"weights": np.append(-1.0, np.ones(89))}, "1 negative weight"),
        ({"weights": np.zeros(90)}, "arm 0 of 3 has 0 person"),
        ({"probabilities": np.append(0.0, np.ones(89))}, "1 chance"),
        ({"probabilities": np.full(90, 1.1)}, "90 chance"),
        ({"clusters": np.arange(89)}, "shapes"),
        ({"covariates": np.ones((89, 2))}, "shapes"),
        ({"arms": np.arange(90) % 3 - 1}, "whole numbers"),
        ({"arms": np.arange(90) % 3 * 1.0}, "whole numbers"),
        ({"arms": np.zeros(90, np.int64)}, "nobody outside the control"),
        ({"arms": np.arange(90) % 2 * 2}, "arm 1 of 3 has 0 person"),
        ({"arms": 1 + np.arange(90) % 2}, "arm 0 of 3 has 0 person"),
        ({"arms": (np.arange(90) == 0) + 0}, "arm 1 of 2 has 1 person"),
        ({"clusters": np.arange(90) % 3 + 0}, "fewer than two independent"),
    ],
)
def test_what_cannot_be_compared_is_refused(changed: dict[str, np.ndarray], says: str):
    t = trial(18)
    columns = {"values": t["values"], "arms": np.arange(90) % 3} | changed
    with pytest.raises(UndefinedError, match=says):
        compare(**columns)


def test_more_coefficients_than_households_are_refused():
    t = trial(19)
    arms, homes = np.arange(90) % 2, np.arange(90) % 2 + 2 * (np.arange(90) % 3 // 2)
    with pytest.raises(UndefinedError, match=r"2 independent unit\(s\) for 3 coefficient"):
        compare(t["values"], arms, t["features"], homes)


def test_a_covariate_that_one_arm_does_not_have_is_refused():
    t = trial(20)
    rare = ((t["arms"] == 1) & (t["before"] > 1)).astype(float)
    with pytest.raises(UndefinedError, match="people of arm 0 do not tell apart"):
        compare(t["values"], t["arms"], rare)


def test_a_covariate_of_one_person_has_a_residual_of_zero_and_no_say():
    t = trial(21, arms=2)
    first = [np.flatnonzero(t["arms"] == arm)[0] for arm in (0, 1)]
    rare = np.isin(np.arange(90), first).astype(float)
    (effect,) = compare(t["values"], t["arms"], rare)
    value, error, freedom = dense(t, (rare - rare.mean())[:, None], np.arange(90), np.ones(90), 1)
    assert effect.estimate.value == pytest.approx(value)
    assert effect.estimate.high - value == pytest.approx(error * student.ppf(0.975, freedom))
