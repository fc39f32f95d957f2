"""Arms drawn in blocks have exact shares, known probabilities, and people who are more alike."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from suasion.errors import UndefinedError
from suasion.experiments import uniforms
from suasion.experiments.blocking import FEW, assign, block, halved, matched, whitened

KEY = b"secret"


@st.composite
def experiments(draw: st.DrawFn):
    weights = draw(st.lists(st.sampled_from([1, 1, 2, 3]), min_size=2, max_size=4))
    size = draw(st.integers(len(weights), 6))
    n = draw(st.integers(size, 40))
    seed = draw(st.integers(0, 2**32))
    shares = tuple(weight / sum(weights) for weight in weights)
    return n, size, shares, np.random.default_rng(seed)


@settings(deadline=None)
@given(experiments(), st.text(max_size=5))
def test_every_block_has_its_share_of_each_arm(experiment, salt: str):
    n, size, shares, rng = experiment
    made = block(np.arange(n) * 7, rng.normal(size=(n, 3)), shares, size, salt, KEY)
    assert made.probabilities == shares
    counts = np.bincount(made.blocks)
    assert counts.min() >= size
    for number, count in enumerate(counts):
        arms = np.bincount(made.arms[made.blocks == number], minlength=len(shares))
        exact = count * np.array(shares)
        assert (np.abs(arms - exact) < 1 + 1e-9).all()
        whole = np.isclose(exact, exact.round())
        assert (arms[whole] == exact[whole].round()).all()
        if len(set(shares)) == 1:
            assert arms.max() - arms.min() <= 1


@settings(deadline=None)
@given(experiments())
def test_households_are_kept_whole_and_the_order_of_people_does_not_matter(experiment):
    n, size, shares, rng = experiment
    households = rng.integers(-5, 5, n) * 1000
    covariates = rng.integers(0, 3, (n, 2)).astype(float)
    if len(np.unique(households)) < size:
        return
    made = block(households, covariates, shares, size, "s", KEY)
    turned = rng.permutation(n)
    again = block(households[turned], covariates[turned], shares, size, "s", KEY)
    assert (again.arms == made.arms[turned]).all()
    assert (again.blocks == made.blocks[turned]).all()
    for household in np.unique(households):
        inside = households == household
        assert len(set(made.arms[inside])) == len(set(made.blocks[inside])) == 1


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.2, 0.8), (1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2)])
def test_everybody_has_each_arm_as_often_as_its_share_says(shares: tuple[float, ...]):
    redraws, units, blocks = 2000, np.arange(15) * 11, np.repeat([0, 1, 2], [3, 5, 7])
    drawn = np.array([assign(units, blocks, shares, f"{i}", KEY) for i in range(redraws)])
    for arm, share in enumerate(shares):
        counts = (drawn == arm).sum(axis=0)
        wrong_once_in = 1e-4 / (15 * len(shares))
        assert (counts >= binom.ppf(wrong_once_in / 2, redraws, share)).all()
        assert (counts <= binom.ppf(1 - wrong_once_in / 2, redraws, share)).all()


def test_two_people_of_a_block_are_paired_with_each_other_as_often_as_with_anybody():
    redraws, units, blocks = 3000, np.arange(4), np.zeros(4, np.int64)
    drawn = np.array([assign(units, blocks, (0.5, 0.5), f"{i}", KEY) for i in range(redraws)])
    together = [(drawn[:, a] == drawn[:, b]).sum() for a, b in combinations(range(4), 2)]
    assert min(together) >= binom.ppf(1e-5, redraws, 1 / 3)
    assert max(together) <= binom.ppf(1 - 1e-5, redraws, 1 / 3)


def test_what_is_rounded_up_here_is_rounded_down_there():
    blocks = np.repeat(np.arange(101), 3)
    for salt in "abcde":
        treated = assign(np.arange(303), blocks, (0.5, 0.5), salt, KEY).sum()
        assert abs(treated - 151.5) <= 1.5


@pytest.mark.parametrize(("n", "size"), [(120, 2), (120, 4), (FEW + 500, 8)])
def test_people_in_blocks_are_better_balanced_than_by_simple_chance(n: int, size: int):
    rng, ids = np.random.default_rng(1), np.arange(n)
    covariates = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)) + rng.exponential(size=(n, 1))
    points = whitened(covariates)

    def distance(treated: np.ndarray) -> float:
        gap = points[treated].mean(axis=0) - points[~treated].mean(axis=0)
        return float(gap @ gap)

    redraws = 20 if n < FEW else 2
    blocked = [
        distance(block(ids, covariates, (0.5, 0.5), size, f"{i}", KEY).arms == 1) for i in range(redraws)
    ]
    simple = [distance(uniforms(ids, f"simple {i}", KEY) < 0.5) for i in range(100)]
    assert np.mean(blocked) < 0.5 * np.mean(simple)


def test_a_difference_in_means_is_right_on_average_and_sharper_in_pairs():
    rng, n, ids = np.random.default_rng(2), 100, np.arange(100)
    age = rng.normal(size=(n, 1))
    without = 3 * age[:, 0] + rng.normal(size=n) * 0.3

    def found(treated: np.ndarray) -> float:
        outcomes = without + 1.0 * treated
        return float(outcomes[treated].mean() - outcomes[~treated].mean())

    formed = matched(whitened(age), 2)
    pairs = np.array([found(assign(ids, formed, (0.5, 0.5), f"{i}", KEY) == 1) for i in range(500)])
    simple = np.array([found(uniforms(ids, f"{i}", KEY) < 0.5) for i in range(500)])
    assert abs(pairs.mean() - 1) < 4 * pairs.std() / np.sqrt(500)
    assert pairs.std() < 0.3 * simple.std()


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 7), st.integers(0, 3), st.integers(0, 2**32))
def test_strata_are_of_the_size_asked_for(n: int, size: int, columns: int, seed: int):
    points = np.random.default_rng(seed).integers(0, 5, (n, columns)).astype(float)
    counts = np.bincount(halved(points, size))
    assert counts.sum() == n
    if n >= size:
        assert counts.min() >= size
        assert counts.max() <= 2 * size


def test_strata_of_one_covariate_are_its_quantiles():
    values = np.random.default_rng(3).normal(size=64)
    strata = halved(values[:, None], 8)
    assert (strata[np.argsort(values)] == np.repeat(np.arange(8), 8)).all()


def test_the_distance_is_that_of_mahalanobis():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)) * [1, 1e6, 1e-6]
    points = whitened(np.column_stack([x, x[:, 0] + 5, np.full(50, 3.0)]))
    inverse = np.linalg.inv(np.cov(x.T, bias=True))
    for i, j in [(0, 1), (3, 17), (20, 49)]:
        gap = x[i] - x[j]
        assert ((points[i] - points[j]) ** 2).sum() == pytest.approx(gap @ inverse @ gap, rel=1e-6)


def test_people_of_whom_nothing_differs_are_blocked_all_the_same():
    made = block(np.arange(10), np.ones((10, 2)), (0.5, 0.5), 2, "s", KEY)
    assert np.bincount(made.arms).tolist() == [5, 5]


@pytest.mark.parametrize(
    ("units", "covariates", "shares", "size"),
    [
        (4, np.ones((3, 1)), (0.5, 0.5), 2),
        (4, np.ones(4), (0.5, 0.5), 2),
        (4, np.full((4, 1), np.nan), (0.5, 0.5), 2),
        (4, np.ones((4, 1)), (0.5, 0.5), 1),
        (1, np.ones((1, 1)), (0.5, 0.5), 2),
        (4, np.ones((4, 1)), (0.5, 0.4), 2),
    ],
)
def test_blocks_that_cannot_be_are_refused(units: int, covariates, shares, size: int):
    with pytest.raises(UndefinedError):
        block(np.arange(units), covariates, shares, size, "s", KEY)
