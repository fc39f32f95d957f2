"""Keyed-hash numbers are uniform, unrelated, and the same for ever."""

from hashlib import blake2b
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from suasion.experiments import uniform_rows, uniforms

MANY = 50_000
PEOPLE = np.arange(MANY)
BOUND = 4.5 / np.sqrt(MANY)  # of a correlation; wrong once in 150,000 comparisons


def by_hand(person: int, salt: str, key: bytes) -> float:
    personalization = blake2b(salt.encode(), digest_size=16).digest()
    id_bytes = person.to_bytes(8, "little", signed=True)
    digest = blake2b(id_bytes, digest_size=8, key=key, person=personalization).digest()
    return (int.from_bytes(digest, "little") >> 11) / 2**53


ids = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)


@settings(deadline=None)
@given(ids, st.text(), st.binary(max_size=64))
def test_a_number_is_the_one_that_the_documentation_describes(persons: list[int], salt: str, key: bytes):
    found = uniforms(np.array(persons, np.int64), salt, key)
    assert found.tolist() == [by_hand(person, salt, key) for person in persons]


@settings(deadline=None)
@given(ids, st.integers(0, 20), st.text(), st.binary(max_size=64))
def test_eight_numbers_come_from_each_longest_digest(persons: list[int], count: int, salt: str, key: bytes):
    personalization = blake2b(salt.encode(), digest_size=16).digest()
    rows: list[list[float]] = []
    for person in persons:
        digests = b"".join(
            blake2b(
                person.to_bytes(8, "little", signed=True), key=key, person=personalization, salt=bytes([turn])
            ).digest()
            for turn in range(3)
        )
        words = [int.from_bytes(digests[i : i + 8], "little") for i in range(0, 8 * count, 8)]
        rows.append([(word >> 11) / 2**53 for word in words])
    assert uniform_rows(np.array(persons, np.int64), count, salt, key).tolist() == rows


def test_how_an_array_is_stored_does_not_matter():
    people = np.arange(10)
    assert (uniforms(people[::2], "a") == uniforms(people, "a")[::2]).all()
    assert (uniforms(people.astype(">i8"), "a") == uniforms(people, "a")).all()
    assert (uniforms(people.astype(np.int32), "a") == uniforms(people, "a")).all()


@pytest.mark.parametrize(
    ("salt", "key"), [("plan", b""), ("plan", b"secret"), ("", b""), ("é" * 999, b"k" * 64)]
)
def test_numbers_are_uniform(salt: str, key: bytes):
    numbers = uniforms(PEOPLE, salt, key)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert kstest(numbers, "uniform").pvalue > 1e-4
    assert len(np.unique(numbers)) == MANY


def test_salts_keys_and_persons_are_uncorrelated():
    drawn = [
        uniforms(PEOPLE, "a"),
        uniforms(PEOPLE, "b"),
        uniforms(PEOPLE, "a "),
        uniforms(PEOPLE, "a move 0"),
        uniforms(PEOPLE, "a move 1"),
        uniforms(PEOPLE, "a", b"1"),
        uniforms(PEOPLE, "a", b"2"),
        uniforms(PEOPLE + 1, "a"),
        uniforms(PEOPLE + 2**40, "a"),
        uniforms(PEOPLE * 256, "a"),
    ]
    pairs = list(combinations(drawn, 2))
    assert max(abs(np.corrcoef(x, y)[0, 1]) for x, y in pairs) < BOUND
    # Extremes together show what a correlation hides.
    joint = [np.mean((x < 0.02) & (y < 0.02)) for x, y in pairs]
    assert max(joint) < 0.0004 + 5 * np.sqrt(0.0004 / MANY)


@pytest.mark.parametrize(("salt", "key"), [("plan", b""), ("plan", b"secret"), ("", b"k" * 64)])
def test_every_column_is_uniform(salt: str, key: bytes):
    rows = uniform_rows(PEOPLE, 10, salt, key)
    assert rows.min() >= 0
    assert rows.max() < 1
    assert min(kstest(column, "uniform").pvalue for column in rows.T) > 1e-4 / 10
    assert len(np.unique(rows)) == rows.size


def test_columns_salts_keys_and_neighbors_are_uncorrelated():
    drawn = [
        *uniform_rows(PEOPLE, 10, "a").T,
        *uniform_rows(PEOPLE, 2, "b").T,
        *uniform_rows(PEOPLE, 2, "a", b"1").T,
        *uniform_rows(PEOPLE, 2, "a", b"2").T,
        *uniform_rows(PEOPLE + 1, 2, "a").T,
        *uniform_rows(PEOPLE * 256, 2, "a").T,
        uniforms(PEOPLE, "a"),
    ]
    pairs = list(combinations(drawn, 2))
    assert max(abs(np.corrcoef(x, y)[0, 1]) for x, y in pairs) < BOUND
    joint = [np.mean((x < 0.02) & (y < 0.02)) for x, y in pairs]
    assert max(joint) < 0.0004 + 5 * np.sqrt(0.0004 / MANY)


def test_a_number_tells_nothing_about_the_next():
    numbers = uniforms(PEOPLE, "a")
    for lag in (1, 2, 256):
        assert abs(np.corrcoef(numbers[:-lag], numbers[lag:])[0, 1]) < BOUND
