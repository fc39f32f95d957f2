"""Who is left alone stays alone, whatever campaigns come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from suasion.errors import UndefinedError
from suasion.experiments.holdout import globally_held_out

KEY = b"secret"
MANY = 40_000
PEOPLE = np.arange(MANY) * 3 - 5000
shares = st.floats(0, 1)
names = st.text(max_size=8)


def plausible(count: int, n: int, share: float) -> bool:
    return binom.ppf(1e-6, n, share) <= count <= binom.ppf(1 - 1e-6, n, share)


@settings(deadline=None)
@given(shares, shares)
def test_a_larger_share_only_adds_people(one: float, other: float):
    low, high = sorted((one, other))
    people = PEOPLE[:300]
    assert (globally_held_out(people, high, KEY) >= globally_held_out(people, low, KEY)).all()


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), shares, names)
def test_a_person_is_left_alone_or_not_whoever_else_is_there(ids: list[int], share: float, period: str):
    people = np.array(ids, np.int64)
    together = globally_held_out(people, share, KEY, period)
    assert [bool(globally_held_out(people[i : i + 1], share, KEY, period)[0]) for i in range(len(ids))] == (
        together.tolist()
    )


def test_nobody_and_everybody_can_be_left_alone():
    assert not globally_held_out(PEOPLE, 0, KEY).any()
    assert globally_held_out(PEOPLE, 1, KEY).all()


def test_periods_and_keys_know_nothing_of_each_other():
    drawn = [
        globally_held_out(PEOPLE, 0.1, KEY, "2026"),
        globally_held_out(PEOPLE, 0.1, KEY, "2027"),
        globally_held_out(PEOPLE, 0.1, b"other", "2026"),
        globally_held_out(PEOPLE, 0.1, KEY),
    ]
    for i, one in enumerate(drawn):
        assert plausible(int(one.sum()), MANY, 0.1)
        assert all(plausible(int((one & other).sum()), MANY, 0.01) for other in drawn[:i])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float):
    with pytest.raises(UndefinedError):
        globally_held_out(PEOPLE[:3], share, KEY)
