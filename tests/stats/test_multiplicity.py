"""Adjusted p-values decide as the step-wise procedures do."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from suasion.errors import UndefinedError
from suasion.stats.multiplicity import benjamini_hochberg, holm

many = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)
both = pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
LEVELS = [0.001, 0.05, 0.2, 0.9]


@settings(deadline=None, max_examples=40)
@given(many, st.sampled_from(LEVELS))
def test_holm_rejects_step_by_step(p_values: np.ndarray, level: float):
    rejected: set[int] = set()
    for step, test in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[test] * (len(p_values) - step) > level:
            break
        rejected.add(int(test))
    assert set(np.flatnonzero(holm(p_values) <= level).tolist()) == rejected


@settings(deadline=None, max_examples=40)
@given(many, st.sampled_from(LEVELS))
def test_benjamini_and_hochberg_reject_all_up_to_the_last_below_the_line(p_values: np.ndarray, level: float):
    n = len(p_values)
    ranked = np.sort(p_values)
    below = [rank for rank in range(1, n + 1) if ranked[rank - 1] * (n / rank) <= level]
    assert (benjamini_hochberg(p_values) <= level).sum() == (max(below) if below else 0)


@both
@settings(deadline=None, max_examples=40)
@given(p_values=many, data=st.data())
def test_order_does_not_matter_and_no_p_value_falls(
    adjust: Callable[[np.ndarray], np.ndarray], p_values: np.ndarray, data: st.DataObject
):
    order = np.array(data.draw(st.permutations(range(len(p_values)))))
    adjusted = adjust(p_values)
    assert adjust(p_values[order]) == pytest.approx(adjusted[order], abs=0)
    assert (adjusted >= p_values).all()
    assert (adjusted <= 1).all()
    assert (benjamini_hochberg(p_values) <= holm(p_values)).all()


@settings(deadline=None, max_examples=40)
@given(many)
def test_benjamini_and_hochbergs_values_are_those_that_scipy_finds(p_values: np.ndarray):
    assert benjamini_hochberg(p_values) == pytest.approx(false_discovery_control(p_values))


@both
def test_one_test_is_left_as_it_is(adjust: Callable[[np.ndarray], np.ndarray]):
    assert adjust(np.array([0.03])).tolist() == [0.03]


@both
@pytest.mark.parametrize("wrong", [[], [0.5, np.nan], [-0.1], [1.1], [[0.5]]])
def test_what_is_no_list_of_p_values_is_refused(
    adjust: Callable[[np.ndarray], np.ndarray], wrong: list[float]
):
    with pytest.raises(UndefinedError, match="outside 0 to 1"):
        adjust(np.array(wrong))
