"""Rearranged trees say what LightGBM says, to the last bit."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.scores.features import LEVELS, Features, encode
from suasion.scores.learner import MANY, learn, predict
from suasion.scores.trees import trees_of

N = 300


def awkward(seed: int, n: int = N) -> Features:
    """Numbers, few numbers, categories and flags; some missing, some only in the second half."""
    luck = np.random.default_rng(seed)
    columns: list[Any] = [
        luck.normal(size=n),
        luck.integers(-2, 3, n).astype(float),
        luck.integers(0, luck.integers(1, 9), n).astype(float),
        luck.integers(0, LEVELS + 1, n).astype(float),
        np.where(luck.random(n) < 0.5, 0.0, 1.0),
        luck.choice([-np.inf, -1e300, 0.0, 5e-324, 1e300, np.inf], n),
        np.zeros(n),
    ]
    matrix = np.column_stack(columns)
    matrix[luck.random(matrix.shape) < 0.1] = np.nan
    known = luck.random(len(columns)) < 0.5
    matrix[: n // 2, known] = np.nan_to_num(matrix[: n // 2, known], nan=1.0)
    matrix[n // 2 :, 2] = np.where(luck.random(n - n // 2) < 0.2, LEVELS, matrix[n // 2 :, 2])
    return Features(matrix, (2, 3))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(["regression", "binary", "constant"]), st.integers(1, 80))
def test_a_sum_of_trees_is_the_one_that_lightgbm_makes(seed: int, kind: str, rounds: int):
    features, luck = awkward(seed), np.random.default_rng(seed)
    signal = np.nan_to_num(features.matrix[:, 0]) + (features.matrix[:, 3] % 3 == 1) + luck.normal(size=N)
    target = {"regression": signal, "binary": (signal > 0).astype(float), "constant": np.full(N, 3.0)}[kind]
    model = learn(features, np.arange(N // 2), target[: N // 2], rounds=rounds)
    rows = luck.permutation(N)
    expected = np.asarray(model.predict(features.matrix[rows], raw_score=True))
    np.testing.assert_array_equal(trees_of(model).sums(features, rows), expected)


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_many_are_predicted_like_few(kind: str):
    features, luck = awkward(1, MANY + 7), np.random.default_rng(2)
    rows = luck.permutation(MANY + 7)
    target = features.matrix[:, 4] == 1 if kind == "binary" else np.nan_to_num(features.matrix[:, 0])
    model = learn(features, rows, target[rows].astype(float), rounds=20)
    found = predict(model, features, rows)
    few = [predict(model, features, part) for part in np.array_split(rows, 5)]
    np.testing.assert_array_equal(found, np.concatenate(few))
    np.testing.assert_allclose(found, np.asarray(model.predict(features.matrix[rows])), rtol=1e-14)


def test_a_value_on_a_threshold_and_its_neighbors_go_the_right_way():
    features = encode(pa.table({"x": np.arange(100.0)}))
    model = learn(features, np.arange(100), np.arange(100.0) >= 50, rounds=5)
    edges = trees_of(model).grids[0][:-2]
    near = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    there = Features(near[:, None], ())
    expected = np.asarray(model.predict(there.matrix, raw_score=True))
    np.testing.assert_array_equal(trees_of(model).sums(there, np.arange(len(near))), expected)


def test_nobody_is_predicted_for_nobody():
    features = awkward(3)
    model = learn(features, np.arange(N), features.matrix[:, 6], rounds=3)
    assert trees_of(model).sums(features, np.arange(0)).shape == (0,)
