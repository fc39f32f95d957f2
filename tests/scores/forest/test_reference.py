"""The forest is what a slow one, written for reading, says it is."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from suasion.scores.features import Features
from suasion.scores.forest import Settings, grow_forest

REFERENCE = run_path(str(Path(__file__).with_name("reference.py")))
SMALL = Settings(trees=8, depth=3, leaf=8, share=0.7)
N = 260


def everything(luck: np.random.Generator, n: int) -> Features:
    """A few numbers, many numbers, categories, a flag, a constant; a part of them missing."""
    matrix = np.column_stack(
        [
            luck.integers(-3, 4, n) / 2,
            luck.normal(size=n),
            luck.integers(0, 6, n),
            luck.random(n) < 0.3,
            np.ones(n),
        ]
    )
    matrix[luck.random(matrix.shape) < [0.2, 0.1, 0.15, 0.0, 0.0]] = np.nan
    return Features(matrix, (2,))


def strangers(luck: np.random.Generator, features: Features) -> Features:
    """Some of the people, others, values beyond all seen, new categories, nothing known."""
    odd = np.array([[-9, -9, 77, -9, -9], [9, 9, 6, 9, 9], [np.nan] * 5, [0.1, np.nan, 0, np.nan, 1.0]])
    return Features(np.vstack([features.matrix[:40], everything(luck, 40).matrix, odd]), (2,))


def terms(luck: np.random.Generator, features: Features, arms: int) -> tuple[np.ndarray, np.ndarray]:
    """Surplus and surprise as fractions of powers of 2: their sums are the same in any order."""
    n = len(features.matrix)
    chances = np.full(arms, 1 / arms) if arms & (arms - 1) == 0 else np.array([0.5, 0.25, 0.25])
    got = luck.choice(arms, n, p=chances)
    surprise = np.eye(arms)[got][:, 1:] - chances[1:]
    helped = (
        np.nan_to_num(features.matrix[:, 0])
        + 2 * (features.matrix[:, 2] == 3)
        + np.isnan(features.matrix[:, 1])
    )
    surplus = np.round(8 * (surprise.sum(axis=1) * helped + luck.normal(size=n))) / 8
    return surplus, surprise


@pytest.mark.parametrize("arms", [2, 3, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_the_forest_is_the_slow_one(arms: int, weighted: bool, together: bool):
    for seed in range(2):
        luck = np.random.default_rng([arms, weighted, together, seed])
        features = everything(luck, N)
        surplus, surprise = terms(luck, features, arms)
        weights = luck.choice([0.5, 1.0, 4.0], N) if weighted else None
        clusters = luck.choice(luck.choice(10**6, 100, replace=False), N) if together else None
        given = features, surplus, surprise, weights, clusters, SMALL, seed
        asked = strangers(luck, features)
        found, low, high = grow_forest(*given).intervals(asked, level=0.6826894921370859)
        effects, variances = REFERENCE["ask"](REFERENCE["grow"](*given), asked.matrix)
        np.testing.assert_allclose(found, effects, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(high - found, np.sqrt(variances), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(found - low, np.sqrt(variances), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("depth", "leaf", "share"), [(0, 5, 1.0), (1, 30, 0.2), (6, 3, 1.0), (8, 200, 0.7)])
def test_settings_mean_what_the_slow_one_means_by_them(depth: int, leaf: int, share: float):
    luck, settings = np.random.default_rng(depth), Settings(trees=4, depth=depth, leaf=leaf, share=share)
    features = everything(luck, N)
    given = features, *terms(luck, features, 2), None, None, settings, 3
    effects, _ = REFERENCE["ask"](REFERENCE["grow"](*given), features.matrix)
    np.testing.assert_allclose(grow_forest(*given).effects(features), effects, rtol=1e-8, atol=1e-10)


def test_the_slow_one_finds_what_is_there():
    """Else both could be wrong alike: one column alone decides, and is found."""
    luck = np.random.default_rng(0)
    features = Features(luck.integers(0, 2, (400, 3)).astype(float), ())
    surprise = luck.integers(0, 2, (400, 1)) - 0.5
    surplus = surprise[:, 0] * features.matrix[:, 1]
    roots = REFERENCE["grow"](
        features, surplus, surprise, None, None, Settings(trees=2, depth=1, leaf=20, share=1.0), 0
    )
    effects, variances = REFERENCE["ask"](roots, np.array([[0, 0, 1.0], [1, 1, 0.0]]))
    np.testing.assert_allclose(effects, [[0], [1]], atol=1e-12)
    np.testing.assert_allclose(variances, 0, atol=1e-12)
