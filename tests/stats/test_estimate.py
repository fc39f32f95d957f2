"""An estimate holds its value and changes unit with its interval."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from suasion.stats import Estimate

numbers = st.floats(-1e9, 1e9)


def estimate(low: float, value: float, high: float) -> Estimate:
    return Estimate(value, low, high, n=100, method="mean")


@pytest.mark.parametrize(("value", "low", "high"), [(3, 1, 2), (0, 1, 2), (float("nan"), 0, 1), (1, 2, 0)])
def test_an_interval_that_does_not_hold_its_value_is_refused(value: float, low: float, high: float):
    with pytest.raises(ValueError, match="must hold its value"):
        estimate(low, value, high)


@pytest.mark.parametrize(
    ("low", "high", "excluded"),
    [(0.1, 2, True), (-2, -0.1, True), (-1, 1, False), (0, 1, False), (-1, 0, False)],
)
def test_zero_at_the_edge_is_not_excluded(low: float, high: float, excluded: bool):
    assert estimate(low, (low + high) / 2, high).excludes_zero is excluded


@settings(deadline=None)
@given(st.tuples(numbers, numbers, numbers), st.floats(-1e6, 1e6))
def test_another_unit_moves_all_three_numbers(ends: tuple[float, float, float], factor: float):
    low, value, high = sorted(ends)
    changed = estimate(low, value, high).times(factor)
    assert changed.value == value * factor
    assert {changed.low, changed.high} == {low * factor, high * factor}
    assert (changed.n, changed.level) == (100, 0.95)


@settings(deadline=None)
@given(st.tuples(numbers, numbers, numbers))
def test_a_change_of_sign_keeps_what_excludes_zero(ends: tuple[float, float, float]):
    low, value, high = sorted(ends)
    assume(low != high)
    assert estimate(low, value, high).times(-1).excludes_zero == estimate(low, value, high).excludes_zero


def test_people_read_value_and_interval():
    assert estimate(-0.0123, 0.5, 12345.678).scaled(100, digits=1) == "50.0 (-1.2 to 1,234,567.8)"


def test_json_holds_every_field():
    written = json.loads(json.dumps(estimate(1, 2, 3).as_dict()))
    assert written == {"value": 2, "low": 1, "high": 3, "n": 100, "method": "mean", "level": 0.95}
