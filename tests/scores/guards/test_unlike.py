"""People of whom the models know nothing are told apart, with the reason; all others are left alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import binom

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.guards import Familiar, familiar

NAMES = [f"f{i}" for i in range(12)]
LOADINGS = np.random.default_rng(99).normal(size=(2, 12))


def _people(seed: int, n: int) -> Features:
    """Two hidden causes of twelve features: heavy tails, a yes or no, counts, categories, gaps."""
    luck = np.random.default_rng(seed)
    x = luck.normal(size=(n, 2)) @ LOADINGS + luck.normal(size=(n, 12)) * 0.4
    x[:, 0], x[:, 1] = np.exp(x[:, 0]), x[:, 1] > 1
    x[:, 2], x[:, 3] = np.digitize(x[:, 2], [-2, -1, 0, 1, 2]), luck.geometric(0.1, n)
    x[luck.random((n, 12)) < 0.03] = np.nan
    x[:, 5] = np.nan_to_num(x[:, 5])
    return Features(x, (2, 3))


@pytest.fixture(scope="module")
def known() -> Familiar:
    return familiar(Data(_people(0, 10_000)))


def _having(column: int, value: float | np.ndarray, seed: int = 1) -> Features:
    matrix = _people(seed, 300).matrix
    matrix[:, column] = value
    return Features(matrix, (2, 3))


@pytest.mark.parametrize("n", [400, 1000, 5000])
def test_at_most_one_of_a_hundred_like_people_is_taken_for_unlike(n: int):
    rates = [
        familiar(Data(_people(seed, n)), seed).unlike(_people(10_000 + seed, 2000)).mean()
        for seed in range(20)
    ]
    # The rate of one trial is a beta variable: about the bound, with the spread of its calibration half.
    assert np.mean(rates) <= 0.01 + 3 * np.std(rates) / np.sqrt(20)
    assert np.mean(rates) > 0.001


def test_households_of_like_people_are_left_alone():
    rates = []
    for seed in range(20):
        people, three = _people(seed, 700), np.repeat(np.arange(700), 3)
        noise = np.random.default_rng(seed).normal(size=2100) * 0.1
        matrix = people.matrix[three]
        matrix[:, 6] += noise
        rates.append(
            familiar(Data(Features(matrix, (2, 3)), clusters=three), seed)
            .unlike(_people(900 + seed, 2000))
            .mean()
        )
    assert np.mean(rates) <= 0.01 + 3 * np.std(rates) / np.sqrt(20)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        (2, 77, "'f2' has a value that hardly anybody in the trial had"),
        (0, 1e9, "'f0' is far outside what it was in the trial"),
        (0, -1e9, "'f0' is far outside what it was in the trial"),
        (1, 2, "'f1' is far outside what it was in the trial"),
        (5, np.nan, "'f5' is missing, which it was for hardly anybody in the trial"),
    ],
)
def test_one_value_that_nobody_had_is_enough(known: Familiar, column: int, value: float, why: str):
    strangers = _having(column, value)
    assert known.unlike(strangers).all()
    assert set(known.reasons(strangers, NAMES).values()) == {why}


@pytest.mark.parametrize("n", [400, 10_000])
def test_what_somebody_had_is_nothing_strange_nor_what_lies_a_little_beyond(n: int):
    luck = np.random.default_rng(0)
    matrix = np.column_stack(
        [luck.normal(40, 10, n), np.where(luck.random(n) < 0.5, luck.integers(0, 7, n), 2)]
    )
    known = familiar(Data(Features(matrix, (1,))))
    assert known.unlike(Features(matrix, (1,))).mean() <= 0.01
    edges = [[matrix[:, 0].max() + 2, 2], [matrix[:, 0].min() - 2, 2], [40, 6]]
    assert not known.unlike(Features(np.array(edges), (1,))).any() or n == 400
    assert known.unlike(Features(np.array([[150.0, 2], [-60, 2], [40, 9]]), (1,))).all()


def test_a_combination_that_nobody_had_is_unlike_though_each_value_is_common(known: Familiar):
    mixed = _people(2, 2000)
    shuffled = np.random.default_rng(0).permuted(mixed.matrix, axis=0)
    strange = Features(shuffled, (2, 3))
    assert known.unlike(strange).mean() > 0.7
    assert "a combination that nobody in the trial came near" in next(
        iter(known.reasons(strange, NAMES).values())
    )


def test_a_combination_of_categories_and_numbers_may_be_unlike_too():
    luck = np.random.default_rng(0)
    group = luck.integers(0, 3, 6000)
    features = Features(np.column_stack([group, 10 * group + luck.normal(size=6000)]), (0,))
    known = familiar(Data(features))
    crossed = Features(np.column_stack([np.zeros(100), np.full(100, 20.0)]), (0,))
    assert known.unlike(crossed).all()
    assert not known.unlike(Features(np.array([[0.0, 0.0], [2.0, 20.0]]), (0,))).any()


def test_the_reason_of_a_combination_names_what_does_not_fit():
    luck = np.random.default_rng(0)
    x = luck.normal(size=(4000, 1))
    features = Features(
        np.column_stack([x, x + luck.normal(size=(4000, 1)) * 0.1, luck.normal(size=(4000, 2))]), ()
    )
    odd = Features(np.array([[1.5, -1.5, 0, 0]]), ())
    (why,) = familiar(Data(features)).reasons(odd, ["height", "weight", "age", "visits"]).values()
    assert "'height'" in why
    assert "'weight'" in why


def test_a_reason_says_no_value(known: Familiar):
    assert not any("77" in why for why in known.reasons(_having(2, 77), NAMES).values())


def test_who_is_unlike_is_the_same_after_storing(known: Familiar, tmp_path):
    np.savez(tmp_path / "familiar.npz", **known.parts(), allow_pickle=False)
    with np.load(tmp_path / "familiar.npz", allow_pickle=False) as stored:
        again = Familiar.from_parts(dict(stored))
    asked = Features(np.vstack([_people(5, 500).matrix, _having(2, 77).matrix]), (2, 3))
    np.testing.assert_array_equal(again.unlike(asked), known.unlike(asked))
    assert again.reasons(asked, NAMES) == known.reasons(asked, NAMES)


def test_a_part_that_is_missing_is_named(known: Familiar):
    parts = known.parts()
    del parts["turn"]
    with pytest.raises(CampaignError, match="no turn"):
        Familiar.from_parts(parts)


def test_one_person_gets_the_same_answer_as_among_many(known: Familiar):
    many = Features(np.vstack([_people(6, 200).matrix, _having(0, 1e9).matrix[:5]]), (2, 3))
    alone = [known.unlike(Features(row[None], (2, 3)))[0] for row in many.matrix]
    np.testing.assert_array_equal(alone, known.unlike(many))


def test_nobody_is_asked_about_and_nobody_is_unlike(known: Familiar):
    nobody = Features(np.empty((0, 12)), (2, 3))
    assert known.unlike(nobody).shape == (0,)
    assert known.reasons(nobody, NAMES) == {}


def test_a_summary_counts_and_names(known: Familiar):
    mixed = Features(np.vstack([_people(7, 700).matrix, _having(2, 77).matrix]), (2, 3))
    (finding,) = known.findings(mixed, NAMES)
    assert f"{known.unlike(mixed).sum():,} of 1,000 people" in finding.text
    assert "most often by 'f2'" in finding.text
    assert known.findings(_people(8, 1000), NAMES) == ()


def test_other_columns_are_refused(known: Familiar):
    with pytest.raises(CampaignError, match="11 columns"):
        known.unlike(Features(_people(0, 5).matrix[:, :11], (2, 3)))
    with pytest.raises(CampaignError, match="categories"):
        known.unlike(Features(_people(0, 5).matrix, ()))


def test_too_few_people_to_calibrate_with_are_refused():
    with pytest.raises(CampaignError, match="It takes 400"):
        familiar(Data(_people(0, 399)))


@pytest.mark.slow
def test_a_million_people_take_a_few_seconds(known: Familiar):
    people = _people(9, 1_000_000)
    start = time.process_time()
    rate = known.unlike(people).mean()
    assert time.process_time() - start < 20
    assert rate <= binom.ppf(0.999, 5000, 0.01) / 5000
