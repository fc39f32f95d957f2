"""Randomization tests give the published p-values, and intervals that hold what they do not reject."""

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact

from suasion.errors import UndefinedError
from suasion.stats.randomization import Adjustment, Randomized, Reference, drawn, effect, every, per_unit

# Heights of Darwin's maize, crossed minus self-fertilized, in eighths of an inch.
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)
EIGHT = np.arange(8) < 4
Trial = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]
HOLED: Trial = (
    np.array([4.0, 3, -3, 1, 3, -1, -1]),
    np.zeros(7),
    np.array([False, True, False, True, True, False, False]),
    None,
)
"""At a level of 0.8 it rejects 0, and neither a little less nor a little more."""


@pytest.mark.parametrize("right", range(5))
def test_the_lady_who_tastes_tea(right: int):
    """Fisher 1935, chapter 2: 70 ways to choose four cups of eight; both sides are counted here."""
    milk_first = np.array([1.0] * right + [0] * (4 - right) + [1] * (4 - right) + [0] * right)
    found = effect(milk_first, EIGHT, every(EIGHT), level=0.9)
    table = [[right, 4 - right], [4 - right, right]]
    assert found.p_value == pytest.approx(fisher_exact(np.array(table)).pvalue)
    assert found.assignments == 70
    if right == 4:
        assert found.p_value == pytest.approx(2 / 70)


def test_the_maize_of_darwin():
    """Fisher 1935, section 21: of 32,768 signs 863 give as much as 314, as many as little: 5.267 per cent."""
    heights, crossed, pot = (
        np.column_stack([DARWIN, 0 * DARWIN]).ravel(),
        np.arange(30) % 2 == 0,
        np.arange(30) // 2,
    )
    found = effect(heights, crossed, every(crossed, pot))
    assert found.p_value == 2 * 863 / 32_768
    assert found.effect.value == pytest.approx(314 / 15)


def test_six_children_with_a_cough():
    """Imbens and Rubin 2015, chapter 5: honey for the first three; a difference of 1, p = 16 / 20."""
    honey = np.arange(6) < 3
    found = effect(np.array([3.0, 5, 0, 4, 0, 1]), honey, every(honey), level=0.8)
    assert (found.effect.value, found.p_value) == (pytest.approx(1), 0.8)


@st.composite
def places(draw: st.DrawFn) -> Trial:
    """Outcomes after and before, treated places, and pairs of them or none; ties abound."""
    pairs = draw(st.booleans())
    n = draw(st.sampled_from([10, 12])) if pairs else draw(st.integers(7, 9))
    after = draw(st.lists(st.integers(-6, 6), min_size=n, max_size=n))
    before = draw(st.lists(st.integers(-6, 6), min_size=n, max_size=n))
    order = np.array(draw(st.permutations(range(n))))
    treated = order % 2 == 0 if pairs else order < draw(st.integers(2, n - 3))
    return np.array(after, float), np.array(before, float), treated, order // 2 if pairs else None


def design_matrix(treated: np.ndarray, before: np.ndarray | None, groups: np.ndarray | None) -> np.ndarray:
    groups = np.zeros(len(treated)) if groups is None else groups
    dummies = [groups == group for group in np.unique(groups)]
    return np.column_stack([treated, *dummies, *([] if before is None else [before])]).astype(float)


def brute(shown: np.ndarray, reference: Reference, treated: np.ndarray, before: np.ndarray | None) -> float:
    """The p-value by a regression for each assignment: it counts if it explains as much as the one made."""

    def explained(assignment: np.ndarray) -> float:
        design = design_matrix(assignment, before, reference.groups)
        without, with_it = (
            shown - part @ np.linalg.lstsq(part, shown, rcond=1e-9)[0] for part in (design[:, 1:], design)
        )
        return float(without @ without - with_it @ with_it)

    seen = explained(treated)
    return float(np.mean([explained(one) >= seen - 1e-7 for one in reference.assignments]))


@settings(deadline=None, max_examples=25)
@given(trial=places(), adjustment=st.sampled_from(Adjustment), shift=st.sampled_from([0.0, 0.7, -2.3]))
@example(trial=HOLED, adjustment=Adjustment.NONE, shift=0.0)
def test_an_effect_is_in_the_interval_if_a_regression_for_each_assignment_does_not_reject_it(
    trial: Trial, adjustment: Adjustment, shift: float
):
    after, before, treated, groups = trial
    reference = every(treated, groups)
    given_before = None if adjustment is Adjustment.NONE else before
    try:
        found = effect(after, treated, reference, given_before, adjustment, level=0.8)
    except UndefinedError:
        reject()
    covariate = before if adjustment is Adjustment.REGRESSION else None
    shown = after - before if adjustment is Adjustment.CHANGE else after
    p_value = brute(shown - shift * treated, reference, treated, covariate)
    if shift == 0:
        assert found.p_value == pytest.approx(p_value)
    low, high = found.effect.low, found.effect.high
    assert p_value <= 0.2 + 1e-9 or low - 1e-6 < shift < high + 1e-6
    # Between the ends a few assignments may reject an effect, and not a larger one; beyond them all are.
    for beyond in (low - 1e-2, high + 1e-2):
        if np.isfinite(beyond):
            assert brute(shown - beyond * treated, reference, treated, covariate) <= 0.2 + 1e-9


@settings(deadline=None, max_examples=25)
@given(trial=places(), regressed=st.booleans())
def test_the_value_is_the_coefficient_of_least_squares(trial: Trial, regressed: bool):
    after, before, treated, groups = trial
    adjustment = Adjustment.REGRESSION if regressed else Adjustment.NONE
    try:
        found = effect(after, treated, every(treated, groups), before if regressed else None, adjustment, 0.7)
    except UndefinedError:
        reject()
    design = design_matrix(treated, before if regressed else None, groups)
    assert found.effect.value == pytest.approx(np.linalg.lstsq(design, after, rcond=1e-9)[0][0], abs=1e-8)


def test_without_columns_the_statistic_orders_like_the_difference_in_means():
    rng = np.random.default_rng(1)
    after, treated = rng.normal(size=11), np.arange(11) < 4
    differences = []
    for chosen in combinations(range(11), 4):
        inside = np.isin(np.arange(11), chosen)
        differences.append(abs(after[inside].mean() - after[~inside].mean()))
    seen = abs(after[treated].mean() - after[~treated].mean())
    expected = np.mean(np.array(differences) >= seen - 1e-12)
    assert effect(after, treated, every(treated)).p_value == pytest.approx(expected)
    assert len(differences) == comb(11, 4)


def test_a_return_is_that_of_every_unit_of_spend():
    rng = np.random.default_rng(2)
    treated, alone = np.arange(12) < 5, rng.normal(size=12)
    spend = np.where(treated, rng.uniform(1, 9, 12), 0.0)
    found = per_unit(alone + 40 * spend, treated, spend, every(treated)).effect
    none = per_unit(alone, treated, spend, every(treated)).effect
    assert (found.value, found.low, found.high) == pytest.approx(
        (40 + none.value, 40 + none.low, 40 + none.high)
    )


@settings(deadline=None, max_examples=25)
@given(trial=places(), spent=st.lists(st.integers(0, 5), min_size=12, max_size=12), shift=st.integers(-3, 3))
def test_a_return_is_in_the_interval_if_it_is_not_rejected(trial: Trial, spent: list[int], shift: int):
    """Controls spend too, some of them more than some of the treated."""
    after, _, treated, groups = trial
    spend = np.array(spent[: len(treated)], float) + 3 * treated
    reference = every(treated, groups)
    try:
        found = per_unit(after, treated, spend, reference, level=0.7).effect
    except UndefinedError:
        reject()
    p_value = brute(after - (shift + 0.3) * spend, reference, treated, None)
    inside = found.low - 1e-9 <= shift + 0.3 <= found.high + 1e-9
    assert inside or p_value <= 0.3 + 1e-9


def test_spend_that_is_the_same_everywhere_is_the_effect_by_the_unit():
    rng = np.random.default_rng(3)
    after, treated = rng.normal(size=10), np.arange(10) < 5
    by_place = effect(after, treated, every(treated)).effect
    by_euro = per_unit(after, treated, 4.0 * treated, every(treated)).effect
    assert by_euro.times(4).scaled(digits=9) == by_place.scaled(digits=9)


@pytest.mark.parametrize("adjustment", Adjustment)
def test_another_unit_changes_the_unit_alone(adjustment: Adjustment):
    rng = np.random.default_rng(4)
    after, before, treated = rng.normal(size=10), rng.normal(size=10), np.arange(10) < 5
    prior = None if adjustment is Adjustment.NONE else before
    one = effect(after, treated, every(treated), prior, adjustment)
    prior = None if prior is None else -1e6 * prior
    other = effect(-1e6 * after, treated, every(treated), prior, adjustment)
    assert other.p_value == one.p_value
    assert (other.effect.low, other.effect.value, other.effect.high) == pytest.approx(
        (one.effect.high * -1e6, one.effect.value * -1e6, one.effect.low * -1e6)
    )


def test_drawn_assignments_come_near_all_of_them():
    rng = np.random.default_rng(5)
    after, treated = rng.normal(size=14) + np.arange(14) / 6, np.arange(14) < 6
    exact, some = (
        effect(after, treated, r) for r in (every(treated), drawn(treated, 4_000, np.random.default_rng(6)))
    )
    assert some.effect.value == exact.effect.value
    assert binomtest(round(some.p_value * 4_001) - 1, 4_000, exact.p_value).pvalue > 0.001
    assert (some.effect.low, some.effect.high) == pytest.approx(
        (exact.effect.low, exact.effect.high), abs=0.2
    )


def test_drawn_assignments_count_the_one_made():
    after, treated = np.arange(40.0) < 20, np.arange(40) < 20
    found = effect(after.astype(float), treated, drawn(treated, 99, np.random.default_rng(7)))
    assert found.p_value == 1 / 100


def test_groups_keep_their_numbers_of_treated():
    treated = np.array([True, False, False, True, False, True, True])
    groups = np.array([3, 3, 3, 9, 9, 9, 9])
    for reference in (every(treated, groups), drawn(treated, 200, np.random.default_rng(8), groups)):
        for group in (3, 9):
            inside = groups == group
            assert set(reference.assignments[:, inside].sum(axis=1)) == {treated[inside].sum()}
    assert len(np.unique(every(treated, groups).assignments, axis=0)) == 3 * 4
    assert len(np.unique(drawn(treated, 200, np.random.default_rng(8), groups).assignments, axis=0)) == 3 * 4


@pytest.mark.slow
def test_of_many_trials_without_an_effect_the_interval_misses_one_in_twenty():
    treated = np.arange(10) < 5
    rng, misses, reference = np.random.default_rng(9), 0, every(np.arange(10) < 5)
    for _ in range(1_000):
        order = rng.permutation(10)
        alone = rng.exponential(size=10) ** 2
        found = effect(alone + 3.0 * treated[order], treated[order], reference).effect
        misses += not found.low <= 3 <= found.high
    # 252 assignments reject at 12 of them: 4.8 per cent.
    assert binomtest(misses, 1_000, 12 / 252).pvalue > 0.001


def test_one_treated_place_among_thirty_can_be_told_and_one_among_ten_cannot():
    after = np.append(9.0, np.sin(np.arange(29)))
    thirty, ten = np.arange(30) < 1, np.arange(10) < 1
    assert effect(after, thirty, every(thirty)).p_value == pytest.approx(1 / 30)
    with pytest.raises(UndefinedError, match=r"10 assignments give no p-value below 0.1 \(p = 0.1\)"):
        effect(after[:10], ten, every(ten))


def _treat(**changed: Any) -> Randomized:
    given: dict[str, Any] = {
        "outcomes": np.arange(8.0),
        "treated": EIGHT,
        "reference": every(EIGHT),
    } | changed
    return effect(**given)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "lengths": ({"outcomes": np.arange(7.0)}, "shapes"),
    "not finite": ({"outcomes": np.append(np.arange(7.0), np.nan)}, "not finite"),
    "foreign": ({"treated": np.arange(8) < 3}, "none of the assignments"),
    "before alone": ({"before": np.arange(8.0)}, "difference in means with an outcome before"),
    "nothing before": ({"adjustment": Adjustment.CHANGE}, "without an outcome before"),
    "explained": ({"before": EIGHT * 1.0, "adjustment": Adjustment.REGRESSION}, "explain"),
    "groups": ({"reference": Reference(every(EIGHT).assignments, True, EIGHT.astype(int))}, "explain"),
}


@pytest.mark.parametrize(("changed", "found"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_told_is_refused(changed: dict[str, Any], found: str):
    with pytest.raises(UndefinedError, match=found):
        _treat(**changed)


def test_spend_that_was_no_higher_is_refused():
    with pytest.raises(UndefinedError, match="spent no more"):
        per_unit(np.arange(8.0), EIGHT, 5.0 * ~EIGHT, every(EIGHT))


def test_more_assignments_than_can_be_counted_are_refused():
    with pytest.raises(UndefinedError, match="137,846,528,820 assignments"):
        every(np.arange(40) < 20)
