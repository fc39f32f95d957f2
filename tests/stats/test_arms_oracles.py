"""tea-tasting and statsmodels find the same effects where they cover the case."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import t as student

from suasion.stats.arms import Effect, compare, complier, cuped, ratio, relative


@pytest.fixture(scope="module")
def people() -> dict[str, np.ndarray]:
    luck = np.random.default_rng(12)
    n = 3000
    able = luck.gamma(2, size=n)
    arm = luck.choice(3, n, p=[0.5, 0.3, 0.2])
    visits, earlier = 1 + luck.poisson(2 * able), 1 + luck.poisson(2 * able)
    return {
        "arm": arm,
        "visits": visits,
        "orders": luck.binomial(visits, 0.3 + 0.02 * arm),
        "earlier_visits": earlier,
        "earlier_orders": luck.binomial(earlier, 0.3),
        "able": able,
        "home": luck.integers(0, 900, n),
    }


def theirs(people: dict[str, np.ndarray], arm: int, *columns: str):
    tasting = pytest.importorskip("tea_tasting", reason="the extra 'dev' is not installed")
    inside = np.isin(people["arm"], (0, arm))
    table = pa.table(
        {name: column[inside] for name, column in people.items()}
        | {"variant": (people["arm"][inside] > 0).astype(np.int64)}
    )
    columns = columns + (None,) * (4 - len(columns))
    return tasting.Experiment(metric=tasting.RatioOfMeans(*columns)).analyze(table)["metric"]


def same(effect: Effect, found, prefix: str) -> None:
    estimate = effect.estimate
    ours = (estimate.low, estimate.value, estimate.high)
    ends = (getattr(found, f"{prefix}effect_size{end}") for end in ("_ci_lower", "", "_ci_upper"))
    assert ours == pytest.approx(tuple(ends), rel=1e-9)
    if not prefix:
        assert effect.p_value == pytest.approx(found.pvalue, rel=1e-9)


@pytest.mark.parametrize("arm", [1, 2])
def test_tea_tasting_finds_the_same_differences(people: dict[str, np.ndarray], arm: int):
    found = theirs(people, arm, "orders")
    same(compare(people["orders"], people["arm"])[arm - 1], found, "")
    same(relative(people["orders"], people["arm"])[arm - 1], found, "rel_")


@pytest.mark.parametrize("arm", [1, 2])
def test_tea_tasting_finds_the_same_by_cuped(people: dict[str, np.ndarray], arm: int):
    found = theirs(people, arm, "orders", None, "earlier_orders")
    same(cuped(people["orders"], people["earlier_orders"], people["arm"])[arm - 1], found, "")


@pytest.mark.parametrize("arm", [1, 2])
@pytest.mark.parametrize("is_relative", [False, True])
def test_tea_tasting_finds_the_same_ratios(people: dict[str, np.ndarray], arm: int, is_relative: bool):
    found = theirs(people, arm, "orders", "visits")
    ours = ratio(people["orders"], people["visits"], people["arm"], relative=is_relative)
    same(ours[arm - 1], found, "rel_" if is_relative else "")


@pytest.mark.parametrize("arm", [1, 2])
@pytest.mark.parametrize("is_relative", [False, True])
def test_tea_tasting_finds_the_same_ratios_by_cuped(
    people: dict[str, np.ndarray], arm: int, is_relative: bool
):
    found = theirs(people, arm, "orders", "visits", "earlier_orders", "earlier_visits")
    before = people["earlier_orders"], people["earlier_visits"]
    ours = ratio(people["orders"], people["visits"], people["arm"], relative=is_relative, before=before)
    same(ours[arm - 1], found, "rel_" if is_relative else "")


@pytest.mark.parametrize("weighted", [False, True])
def test_statsmodels_finds_the_same_regression(people: dict[str, np.ndarray], weighted: bool):
    api = pytest.importorskip("statsmodels.api", reason="the extra 'demo' is not installed")
    features = np.column_stack([people["earlier_orders"], people["earlier_visits"]]).astype(float)
    weights = 1 + people["able"] if weighted else np.ones(3000)
    around = features - np.average(features, axis=0, weights=weights)
    arms = [(people["arm"] == arm).astype(float)[:, None] for arm in (1, 2)]
    design = np.hstack([np.ones((3000, 1)), *arms, around, *(arm * around for arm in arms)])
    fitted = api.WLS(people["orders"], design, weights=weights).fit(cov_type="HC2")
    ours = compare(people["orders"], people["arm"], features, weights=weights if weighted else None)
    for effect in ours:
        error = (effect.estimate.high - effect.estimate.value) / _t(effect)
        assert effect.estimate.value == pytest.approx(fitted.params[effect.arm], rel=1e-9)
        assert error == pytest.approx(fitted.bse[effect.arm], rel=1e-9)


def test_statsmodels_finds_the_same_clustered_error_but_for_the_mending(people: dict[str, np.ndarray]):
    """CR1 leaves out what CR2 mends; with 900 households the two are within one in a hundred."""
    api = pytest.importorskip("statsmodels.api", reason="the extra 'demo' is not installed")
    design = np.column_stack([np.ones(3000), people["arm"] == 1, people["arm"] == 2]).astype(float)
    fitted = api.OLS(people["orders"], design).fit(cov_type="cluster", cov_kwds={"groups": people["home"]})
    for effect in compare(people["orders"], people["arm"], clusters=people["home"]):
        error = (effect.estimate.high - effect.estimate.value) / _t(effect)
        assert effect.estimate.value == pytest.approx(fitted.params[effect.arm], rel=1e-9)
        assert error == pytest.approx(fitted.bse[effect.arm], rel=0.01)


def test_statsmodels_finds_the_same_for_compliers(people: dict[str, np.ndarray]):
    gmm = pytest.importorskip("statsmodels.sandbox.regression.gmm", reason="no statsmodels")
    inside = people["arm"] < 2
    arm = people["arm"][inside].astype(float)
    taken = np.where(arm > 0, people["able"][inside] > 1, people["able"][inside] > 4)
    columns = np.column_stack([np.ones(len(arm)), taken]), np.column_stack([np.ones(len(arm)), arm])
    fitted = gmm.IV2SLS(people["visits"][inside], *columns).fit()
    (ours,) = complier(people["visits"][inside], people["arm"][inside], taken)
    assert ours.estimate.value == pytest.approx(fitted.params[1], rel=1e-9)


def _t(effect: Effect) -> float:
    """Student's t behind an interval, from its p-value: both rest on the same degrees of freedom."""
    half = effect.estimate.high - effect.estimate.value
    low, high = 1.0, 1e9
    for _ in range(200):
        freedom = (low * high) ** 0.5
        t = student.ppf(0.975, freedom)
        p_value = 2 * student.sf(abs(effect.estimate.value) * t / half, freedom)
        low, high = (low, freedom) if p_value < effect.p_value else (freedom, high)
    return float(student.ppf(0.975, (low * high) ** 0.5))
