"""Groups of values that are large enough, and never mixed up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suasion.scores.guards.groups import grouped

values = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 3.5, 9.0, np.nan]), min_size=1, max_size=80)


@given(values=values, categorical=st.booleans(), least=st.integers(1, 12), most=st.integers(2, 12))
def test_groups_are_large_enough_or_there_is_one(
    values: list[float], categorical: bool, least: int, most: int
):
    given_, codes = np.array(values), grouped(np.array(values), categorical, least, most)
    counts = np.bincount(codes)
    assert (counts > 0).all()
    assert len(counts) <= 1 or counts.min() >= min(least, len(given_) - least) or len(counts) == 2
    assert len(counts) <= 2 * most + 1
    for value in set(given_[~np.isnan(given_)]):
        assert len(set(codes[given_ == value])) == 1
    assert len(set(codes[np.isnan(given_)])) <= 1


@given(values=values, least=st.integers(1, 12), most=st.integers(2, 12))
def test_groups_of_numbers_do_not_interleave(values: list[float], least: int, most: int):
    given_ = np.array(values)
    known = ~np.isnan(given_)
    codes = grouped(given_, False, least, most)[known]
    assert (np.diff(codes[np.argsort(given_[known], kind="stable")]) >= 0).all()


def test_a_rare_value_beside_a_heavy_one_stands_alone():
    clicks = np.array([0.0] * 980 + [1.0] * 20)
    assert np.bincount(grouped(clicks, False, 20, 10)).tolist() == [980, 20]
    assert np.bincount(grouped(-clicks, False, 20, 10)).tolist() == [20, 980]
