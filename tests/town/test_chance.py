import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suasion.town.chance import bits, picks, uniforms

MANY = np.arange(200_000)


def test_the_generator_is_splitmix64():
    """An independent step-by-step implementation, in Python's whole numbers."""
    (state,) = (int(bits(3, "x", np.array([-1]))[0]),)  # at counter -1 the state is the start itself
    start = _unmixed(state)
    found = []
    for _ in range(5):
        start = (start + 0x9E3779B97F4A7C15) % 2**64
        z = start
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        found.append(z ^ (z >> 31))
    assert found == bits(3, "x", np.arange(5)).tolist()


def _unmixed(z: int) -> int:
    """The inverse of the finalizer."""
    z ^= (z >> 31) ^ (z >> 62)
    z = (z * pow(0x94D049BB133111EB, -1, 2**64)) % 2**64
    z ^= (z >> 27) ^ (z >> 54)
    z = (z * pow(0xBF58476D1CE4E5B9, -1, 2**64)) % 2**64
    return z ^ (z >> 30) ^ (z >> 60)


@given(st.lists(st.integers(0, 10**7), min_size=1), st.integers(0, 2**63 - 1))
def test_the_company_of_others_changes_nothing(numbers: list[int], seed: int):
    together = uniforms(seed, "age", np.array(numbers))
    assert together.tolist() == [uniforms(seed, "age", np.array([one]))[0] for one in numbers]


def test_numbers_are_uniform():
    assert stats.kstest(uniforms(1, "a", MANY), "uniform").pvalue > 1e-4
    counts = np.bincount(picks(1, "b", MANY, 7), minlength=7)
    assert counts.size == 7
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    "other", [uniforms(1, "b", MANY), uniforms(2, "a", MANY), np.roll(uniforms(1, "a", MANY), 1)]
)
def test_purposes_seeds_and_neighbors_are_unrelated(other: np.ndarray):
    one = uniforms(1, "a", MANY)
    assert abs(np.corrcoef(one, other)[0, 1]) < 4.5 / np.sqrt(len(MANY))
    counts = np.histogram2d(one, other, bins=16)[0]
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4
