"""Ranks agree with an independent implementation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from suasion.scores.ranks import midranks


@given(st.lists(st.floats(allow_nan=False) | st.integers(-3, 3).map(float), max_size=50))
def test_ranks_are_those_of_scipy(values: list[float]):
    assert midranks(np.array(values, np.float64)).tolist() == rankdata(values).tolist()
