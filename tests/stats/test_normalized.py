"""The normalized Qini is scikit-uplift's number, with an interval that covers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from suasion.errors import UndefinedError
from suasion.stats import normalized

Trial = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    n = draw(st.integers(4, 40))
    outcomes = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n))
    treated = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    # Enough people with an outcome in both arms that no bootstrap sample lacks them.
    more = 6
    return (
        np.array([*outcomes, *[1.0, 0.0] * 2 * more]),
        np.array([*treated, *[True, True, False, False] * more]),
        np.array([*scores, *[3] * 4 * more], float),
    )


def area(outcomes: np.ndarray, treated: np.ndarray, scores: np.ndarray) -> float:
    """Qini area above the random line, person after person, ties in one step."""
    points, base = [(0, 0.0)], 0.0
    for level in sorted(set(scores.tolist()), reverse=True):
        top = scores >= level
        gained, lost = outcomes[top & treated].sum(), outcomes[top & ~treated].sum()
        control = (top & ~treated).sum()
        scaled = lost * (top & treated).sum() / control if control else 0.0
        points.append((int(top.sum()), float(gained - scaled)))
        base = points[-1][0] * points[-1][1] / 2
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points)) - base


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@settings(deadline=None, max_examples=30)
@given(trials())
def test_the_value_is_that_of_the_definition(trial: Trial):
    outcomes, treated, scores = trial
    perfect = area(outcomes, treated, outcomes * np.where(treated, 1, -1))
    found = normalized.qini(outcomes, treated, scores, rng(), draws=20)
    assert found.value == pytest.approx(area(outcomes, treated, scores) / perfect, abs=1e-9)


@pytest.mark.filterwarnings("ignore:Function stable_cumsum:FutureWarning")
@settings(deadline=None, max_examples=30)
@given(trials())
def test_the_value_is_that_of_scikit_uplift(trial: Trial):
    metrics = pytest.importorskip("sklift.metrics", reason="the extra 'bench' is not installed")
    outcomes, treated, scores = trial
    theirs = metrics.qini_auc_score(outcomes.astype(int), scores, treated.astype(int))
    assert normalized.qini(outcomes, treated, scores, rng(), draws=20).value == pytest.approx(
        theirs, abs=1e-9
    )


@settings(deadline=None, max_examples=30)
@given(trials(), st.data())
def test_order_of_rows_and_spacing_of_scores_do_not_matter(trial: Trial, data: st.DataObject):
    outcomes, treated, scores = trial
    order = np.array(data.draw(st.permutations(range(len(scores)))))
    found = normalized.qini(outcomes[order], treated[order], np.exp(scores[order]), rng(), draws=20)
    expected = normalized.qini(outcomes, treated, scores, rng(), draws=20)
    assert found.value == pytest.approx(expected.value, abs=1e-9)


def test_money_in_another_currency_is_worth_the_same():
    draw = np.random.default_rng(2)
    money, treated, scores = draw.exponential(size=300), draw.random(300) < 0.5, draw.random(300)
    one, other = (normalized.qini(money * factor, treated, scores, rng()) for factor in (1, 128))
    assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high))


def test_a_constant_score_is_worth_nothing_and_the_perfect_one_all():
    draw = np.random.default_rng(3)
    outcomes, treated = (draw.random(300) < 0.3).astype(float), draw.random(300) < 0.7
    constant = normalized.qini(outcomes, treated, np.zeros(300), rng())
    perfect = normalized.qini(outcomes, treated, outcomes * np.where(treated, 1, -1), rng())
    assert (constant.low, constant.value, constant.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert (perfect.low, perfect.value, perfect.high) == pytest.approx((1, 1, 1), abs=1e-12)


def test_a_paired_difference_is_of_the_same_samples():
    draw = np.random.default_rng(4)
    scores = draw.random(3000)
    treated = draw.random(3000) < 0.5
    outcomes = (draw.random(3000) < 0.1 + 0.3 * scores * treated).astype(float)
    like = scores + 0.05 * draw.random(3000)
    one, other = (normalized.qini(outcomes, treated, model, rng()) for model in (scores, like))
    found = normalized.compare(outcomes, treated, scores, like, rng())
    mirrored = normalized.compare(outcomes, treated, like, scores, rng()).times(-1)
    assert found.value == pytest.approx(one.value - other.value)
    assert (found.low, found.high) == pytest.approx((mirrored.low, mirrored.high))
    assert found.high - found.low < 0.4 * (one.high - one.low)


def test_a_seed_gives_one_interval():
    draw = np.random.default_rng(5)
    outcomes, treated, scores = (
        (draw.random(200) < 0.5).astype(float),
        draw.random(200) < 0.5,
        draw.random(200),
    )
    assert normalized.qini(outcomes, treated, scores, rng()) == normalized.qini(
        outcomes, treated, scores, rng()
    )


def test_households_of_copies_are_not_more_people():
    draw = np.random.default_rng(6)
    outcomes, treated, scores = (
        (draw.random(500) < 0.5).astype(float),
        draw.random(500) < 0.5,
        draw.random(500),
    )
    rows = np.repeat(np.arange(500), 4)
    copied = (outcomes[rows], treated[rows], scores[rows])
    alone, together = (normalized.qini(*copied, rng(), clusters=clusters) for clusters in (None, rows))
    once = normalized.qini(outcomes, treated, scores, rng())
    assert (alone.n, together.n) == (2000, 500)
    assert together.high - together.low == pytest.approx(once.high - once.low, rel=0.25)
    assert alone.high - alone.low < 0.65 * (together.high - together.low)


@pytest.mark.parametrize("arm", [np.zeros(40), np.ones(40), np.arange(40) % 3])
def test_a_trial_of_one_arm_or_three_is_refused(arm: np.ndarray):
    with pytest.raises(UndefinedError, match="empty arm, or more than two"):
        normalized.qini(np.arange(40.0) % 2, arm, np.arange(40.0), rng())


def test_a_trial_without_an_outcome_is_refused():
    with pytest.raises(UndefinedError, match="nothing that a perfect ranking could gain"):
        normalized.qini(np.zeros(40), np.arange(40) % 2 == 0, np.arange(40.0), rng())


def test_one_buyer_is_too_few_for_a_bootstrap():
    outcomes = np.zeros(60)
    outcomes[4] = 1
    with pytest.raises(UndefinedError, match="bootstrap samples without outcomes"):
        normalized.qini(outcomes, np.arange(60) % 2 == 0, np.arange(60.0), rng())


@pytest.mark.parametrize(
    ("wrong", "found"), [({"draws": 19}, "19 bootstrap"), ({"clusters": np.zeros(60, int)}, "1 independent")]
)
def test_too_few_draws_or_households_are_refused(wrong: dict[str, object], found: str):
    with pytest.raises(UndefinedError, match=found):
        normalized.qini(np.arange(60.0) % 4, np.arange(60) % 2 == 0, np.arange(60.0), rng(), **wrong)


def test_a_missing_score_is_refused():
    scores = np.append(np.arange(59.0), np.nan)
    with pytest.raises(UndefinedError, match="not finite"):
        normalized.qini(np.arange(60.0) % 4, np.arange(60) % 2 == 0, scores, rng())


def truth(chance: float) -> float:
    """Population value where control buys at 0.2 and the treated at 0.2 + 0.3 * score, score uniform."""
    bought, bought_control = 0.2 + 0.15, 0.2
    ranked = chance * 0.3 / 12  # chance of treatment times the Qini of a gain of 0.3 * score
    first, last = chance * bought, (1 - chance) * bought_control
    end = chance * (bought - bought_control)
    perfect = first * first / 2 + (1 - first - last) * first + last * (first + end) / 2 - end / 2
    return ranked / perfect


def held(seeds: int, chance: float, households: bool) -> int:
    count = 0
    for seed in range(seeds):
        draw = np.random.default_rng([23, seed])
        clusters = np.arange(600) // 2 if households else None
        scores, treated = draw.random(600), draw.random(600) < chance
        luck = np.repeat(draw.random(300), 2) if households else draw.random(600)
        outcomes = (luck < 0.2 + 0.3 * scores * treated).astype(float)
        found = normalized.qini(outcomes, treated, scores, draw, clusters, draws=50)
        count += found.low <= truth(chance) <= found.high
    return count


def test_intervals_cover():
    assert binomtest(held(100, 0.7, True), 100, 0.95).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("chance", [0.5, 0.85])
@pytest.mark.parametrize("households", [False, True])
def test_intervals_cover_in_a_thousand_worlds(chance: float, households: bool):
    assert binomtest(held(1000, chance, households), 1000, 0.95).pvalue > 0.001
