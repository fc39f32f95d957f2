"""What every quantity keeps, whatever it measures: order, units, weights, households and refusals."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from suasion.errors import UndefinedError
from suasion.stats import Estimate, calibration, forecasts, from_influence, mean, ranking

Columns = tuple[np.ndarray, np.ndarray]
Quantity = Callable[..., Estimate]


def _difference(first: np.ndarray, second: np.ndarray, **people: np.ndarray) -> Estimate:
    return ranking.compare(ranking.qini, first, second, np.abs(second - 0.5), **people)


def _won(gains: np.ndarray) -> np.ndarray:
    return (gains > 0).astype(float)


# Each takes gains and scores between 0 and 1 as columns.
SMOOTH: dict[str, Quantity] = {
    "mean": lambda gains, _, **people: mean(gains, **people),
    "qini": ranking.qini,
    "autoc": ranking.autoc,
    "auuc": ranking.auuc,
    "paired qini": _difference,
    "slope": lambda gains, scores, **people: calibration.line(gains, scores, **people).slope,
    "brier": lambda gains, scores, **people: forecasts.brier(_won(gains), scores, **people),
    "auc": lambda gains, scores, **people: forecasts.auc(_won(gains), scores, **people),
}
ALL: dict[str, Quantity] = SMOOTH | {
    "uplift": ranking.uplift_at(0.5),
    "curve": lambda gains, scores, **people: ranking.curve(gains, scores, 3, **people)[1],
}
IN_UNITS = ["mean", "qini", "autoc", "auuc", "paired qini", "slope", "uplift", "curve"]
each = pytest.mark.parametrize("quantity", ALL.values(), ids=ALL)


@st.composite
def trials(draw: st.DrawFn) -> Columns:
    """Gains and scores of 8 to 30 people, many scores tied; the last four unlike each other."""
    n = draw(st.integers(8, 30))
    gains = draw(st.lists(st.integers(-40, 40), min_size=n - 4, max_size=n - 4))
    scores = draw(st.lists(st.sampled_from([0.125, 0.25, 0.5, 0.75]), min_size=n - 4, max_size=n - 4))
    return np.array([*gains, -4, -4, 4, 4]) / 4, np.array([*scores, 0.0, 1.0, 0.0, 1.0])


def close(one: Estimate, other: Estimate, scale: float = 1.0) -> None:
    tolerance = 1e-9 * scale
    assert one.value == pytest.approx(other.value, rel=1e-9, abs=tolerance)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-6, abs=1e-6 * scale)


@each
@settings(deadline=None, max_examples=15)
@given(trial=trials(), data=st.data())
def test_the_order_of_rows_does_not_matter(quantity: Quantity, trial: Columns, data: st.DataObject):
    gains, scores = trial
    order = np.array(data.draw(st.permutations(range(len(gains)))))
    clusters = np.arange(len(gains)) // 2
    close(quantity(gains[order], scores[order]), quantity(gains, scores))
    shuffled = quantity(gains[order], scores[order], clusters=clusters[order])
    close(shuffled, quantity(gains, scores, clusters=clusters))


@each
@settings(deadline=None, max_examples=15)
@given(trial=trials(), data=st.data())
def test_a_weight_is_how_often_a_person_is_there(quantity: Quantity, trial: Columns, data: st.DataObject):
    gains, scores = trial
    n = len(gains)
    times = np.array(data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)))
    rows = np.repeat(np.arange(n), times)
    repeated = quantity(gains[rows], scores[rows], clusters=rows)
    close(quantity(gains, scores, weights=times.astype(float), clusters=np.arange(n)), repeated)
    weighted = quantity(gains, scores, weights=7.5 * times)
    assert weighted.value == pytest.approx(repeated.value, rel=1e-9, abs=1e-9)


@each
def test_a_person_of_weight_zero_is_not_there(quantity: Quantity):
    rng = np.random.default_rng(3)
    gains, scores = rng.normal(size=40), rng.random(40)
    weights = np.append(np.zeros(5), np.ones(35))
    close(quantity(gains, scores, weights=weights), quantity(gains[5:], scores[5:]))


@each
def test_households_of_one_change_nothing_but_the_name(quantity: Quantity):
    rng = np.random.default_rng(4)
    gains, scores = rng.normal(size=40), rng.random(40)
    alone, clustered = quantity(gains, scores), quantity(gains, scores, clusters=np.arange(40)[::-1] * 3)
    close(clustered, alone)
    assert (clustered.n, clustered.method) == (40, f"{alone.method}, clustered")


@each
def test_everybody_twice_in_a_household_tells_no_more(quantity: Quantity):
    rng = np.random.default_rng(5)
    gains, scores = rng.normal(size=200), rng.random(200)
    twice = np.tile(np.arange(200), 2)
    once = quantity(gains, scores, clusters=np.arange(200))
    close(quantity(gains[twice], scores[twice], clusters=twice), once)


@pytest.mark.parametrize("name", IN_UNITS)
@settings(deadline=None, max_examples=15)
@given(trial=trials(), factor=st.sampled_from([-1000.0, -1.0, 0.001, 60.0]))
def test_gains_in_another_unit_change_the_unit_alone(name: str, trial: Columns, factor: float):
    gains, scores = trial
    close(ALL[name](gains * factor, scores), ALL[name](gains, scores).times(factor), scale=abs(factor))


@pytest.mark.parametrize("name", ["qini", "autoc", "auuc", "uplift", "curve", "auc"])
@settings(deadline=None, max_examples=15)
@given(trial=trials())
def test_only_the_order_of_scores_counts(name: str, trial: Columns):
    gains, scores = trial
    close(ALL[name](gains, np.exp(5 * scores) - 30), ALL[name](gains, scores))


# The slope mends its residuals (dense matrices test that), AUTOC leaves out whole units (new samples do).
@pytest.mark.parametrize("name", sorted(SMOOTH.keys() - {"slope", "autoc"}))
@settings(deadline=None, max_examples=15)
@given(trial=trials(), paired=st.booleans())
def test_the_interval_is_that_of_a_weight_moved_a_little(name: str, trial: Columns, paired: bool):
    """The infinitesimal jackknife (Jaeckel 1972): n times the slope of the value in a person's weight."""
    gains, scores = trial
    n, step = len(gains), 1e-4
    clusters = np.arange(n) // 2 if paired else np.arange(n)
    slopes = np.empty(n)
    for person in range(n):
        up, down = np.ones(n), np.ones(n)
        up[person] += step
        down[person] -= step
        moved = (
            SMOOTH[name](gains, scores, weights=up).value - SMOOTH[name](gains, scores, weights=down).value
        )
        slopes[person] = moved / (2 * step)
    sums = np.bincount(clusters, slopes)
    count, found = len(sums), SMOOTH[name](gains, scores, clusters=clusters)
    t = student.ppf(0.975, count - 1)
    if name == "auc":  # Wilson: each end is t errors away, by the error of a share there.
        assume(0 < found.value < 1)
        ends = np.array([found.low, found.high])
        errors = np.sqrt(sums @ sums * ends * (1 - ends) / (found.value * (1 - found.value)))
        assert np.abs(ends - found.value) == pytest.approx(t * errors, rel=1e-3, abs=1e-4)
    else:
        half = t * np.sqrt(sums @ sums * count / (count - 1))
        assert found.high - found.value == pytest.approx(half, rel=1e-3, abs=1e-5)


@each
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(quantity: Quantity, bad: float):
    rng = np.random.default_rng(6)
    broken = np.append(rng.random(19), bad)
    with pytest.raises(UndefinedError, match="not finite"):
        quantity(broken, broken)


@each
@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_people_are_refused(quantity: Quantity, n: int):
    with pytest.raises(UndefinedError, match=f"{n} independent unit"):
        quantity(np.ones(n), np.ones(n))


@each
def test_one_household_is_refused_however_large(quantity: Quantity):
    rng = np.random.default_rng(7)
    with pytest.raises(UndefinedError, match="1 independent unit"):
        quantity(rng.normal(size=50), rng.random(50), clusters=np.zeros(50, np.int64))


@each
@pytest.mark.parametrize("column", ["weights", "clusters"])
def test_a_column_of_another_length_is_refused(quantity: Quantity, column: str):
    rng = np.random.default_rng(8)
    with pytest.raises(UndefinedError, match="shapes"):
        quantity(rng.normal(size=20), rng.random(20), **{column: np.arange(19) + 1})


@each
def test_a_negative_weight_is_refused(quantity: Quantity):
    rng = np.random.default_rng(9)
    with pytest.raises(UndefinedError, match="1 negative weight"):
        quantity(rng.normal(size=20), rng.random(20), weights=np.append(np.ones(19), -1.0))


def test_weights_that_are_all_zero_leave_nobody():
    with pytest.raises(UndefinedError, match="0 independent unit"):
        mean(np.arange(5.0), weights=np.zeros(5))


def test_a_method_says_what_was_done():
    people = {"clusters": np.array([1, 2, 2]), "weights": np.array([1.0, 2.0, 1.0])}
    assert ranking.qini(np.arange(3.0), np.arange(3.0), **people).method == "Qini, weighted, clustered"


def test_influence_values_need_not_be_centered():
    influence = np.random.default_rng(10).normal(size=50)
    close(from_influence(2.0, influence + 1e3), from_influence(2.0, influence))


def test_an_influence_of_the_values_gives_the_mean():
    values = np.random.default_rng(11).normal(size=50)
    close(from_influence(values.mean(), values), mean(values))


def test_a_quantity_that_is_not_finite_has_no_interval():
    with pytest.raises(UndefinedError, match="not finite"):
        from_influence(float("nan"), np.arange(5.0))
