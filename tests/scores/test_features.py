"""Traits become numbers without losing what is missing or inventing what is not there."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError
from suasion.scores.features import LEVELS, encode


def test_missing_stays_missing_in_every_type():
    schema = pa.schema(
        [("b", pa.bool_()), ("i", pa.int64()), ("f", pa.float64()), ("d", pa.date32()), ("t", pa.string())]
    )
    row = {"b": True, "i": 3, "f": 0.5, "d": date(1970, 1, 11), "t": "x"}
    matrix = encode(pa.Table.from_pylist([row, dict.fromkeys(row)], schema)).matrix
    assert matrix[0].tolist() == [1.0, 3.0, 0.5, 10.0, 0.0]
    assert np.isnan(matrix[1]).all()


def test_no_and_zero_are_not_missing():
    assert encode(pa.table({"b": [False, None], "i": [0, None]})).matrix[0].tolist() == [0.0, 0.0]


def test_dates_keep_their_distances():
    days = [date(2024, 2, 28), date(2024, 3, 1), date(1969, 12, 31)]
    for kind in (pa.date32(), pa.date64()):
        column = encode(pa.table({"d": pa.array(days, kind)})).matrix[:, 0]
        assert column[1] - column[0] == 2
        assert column[2] == -1


def test_only_text_is_a_category():
    table = pa.table({"n": [1, 2], "t": ["a", "b"], "large": pa.array(["a", "b"], pa.large_string())})
    assert encode(table).categorical == (1, 2)


def test_a_number_too_large_for_a_float_is_rounded_not_refused():
    assert encode(pa.table({"n": [2**60 + 1, 1]})).matrix[0, 0] == float(2**60)


def test_rare_values_share_a_code_and_the_frequent_keep_their_own():
    often = [f"often {i}" for i in range(LEVELS)] * 2
    rare = [f"rare {i}" for i in range(50)]
    codes = encode(pa.table({"t": [*often, *rare, None]})).matrix[:, 0]
    assert sorted(set(codes[: len(often)])) == list(range(LEVELS))
    assert set(codes[len(often) : -1]) == {LEVELS}
    assert np.isnan(codes[-1])


def test_a_value_that_nobody_learned_from_has_is_rare():
    table = pa.table({"t": ["a", "a", "b", None, "c", "d", "a", None], "n": range(8)})
    codes = encode(table, learned=4).matrix[:, 0]
    np.testing.assert_array_equal(codes, [0, 0, 1, np.nan, 2, 2, 0, np.nan])


def test_those_learned_from_have_the_codes_they_have_alone():
    alone = pa.table({"t": ["a", "b", "b"]})
    more = pa.concat_tables([alone, pa.table({"t": ["a"] * 9 + ["c"] * 9})])
    np.testing.assert_array_equal(encode(more, learned=3).matrix[:3], encode(alone).matrix)


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=60), st.randoms())
def test_a_value_has_one_code_whatever_the_order(values: list[str | None], luck):
    shuffled = luck.sample(range(len(values)), len(values))
    table = pa.table({"t": pa.array(values, pa.string())})
    one, other = encode(table).matrix[:, 0], encode(table.take(shuffled)).matrix[:, 0]
    np.testing.assert_array_equal(one[shuffled], other)
    known = {(value, code) for value, code in zip(values, one, strict=True) if value is not None}
    assert len(known) == len({value for value, _ in known}) == len({code for _, code in known})


def test_chunks_of_a_column_share_their_codes():
    column = pa.chunked_array([["a", "b"], ["b", None], ["a"]])
    codes = encode(pa.table({"t": column})).matrix[:, 0]
    assert codes[0] == codes[4]
    assert codes[1] == codes[2] != codes[0]


def test_no_trait_at_all_is_refused_in_words():
    with pytest.raises(CampaignError, match="no feature"):
        encode(pa.table({"a": [1, 2]}).select([]))
