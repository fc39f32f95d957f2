"""What a campaign says is counted over the messages that were drawn."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from suasion.allocation.mix import mix


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30))
def test_a_mix_counts_what_was_drawn(chosen: list[int]):
    tags = [{0}, {0, 1}, {2}]
    rows = np.array([[tag in one for tag in range(4)] for one in tags])
    found = mix(np.array(chosen, np.int64), rows)
    said = Counter(tag for one in chosen if one for tag in tags[one - 1])
    assert found.messages == sum(one > 0 for one in chosen)
    assert found.counts.tolist() == [said[tag] for tag in range(4)]
    if not found.messages:
        assert (found.shares, found.entropy) == (None, None)
        return
    assert found.shares is not None
    assert found.shares.tolist() == pytest.approx([said[tag] / found.messages for tag in range(4)])
    assert found.entropy == pytest.approx(float(entropy(list(said.values()), base=2)) / 2)


def test_one_tag_alone_has_no_entropy():
    assert mix(np.array([1, 1]), np.ones((1, 1), bool)).entropy is None
    assert mix(np.array([1, 1]), np.array([[True, False]])).entropy == 0
