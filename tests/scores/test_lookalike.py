"""Lookalikes: the order is right whatever share of those who belong is listed; the level is left open."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from suasion.errors import ClearanceError, UndefinedError
from suasion.scores.inferences import Inferred, Sample, lookalike

FACTS = "traits@1"


@pytest.fixture(scope="session")
def alike(gates, clearances):
    """Lookalikes under a clearance for exactly those who are compared."""

    def done(sample: Sample) -> Inferred:
        gate = gates()
        return lookalike(sample, clearances(gate, np.sort(sample.persons)), gate, FACTS)

    return done


def compared(n: int, c: float, sharp: float, seed: int) -> tuple[Sample, np.ndarray]:
    """People of whom some belong, and of these a random share `c` is listed; and the chance of belonging."""
    luck = np.random.default_rng(seed)
    x = luck.normal(size=(n, 3))
    chance = expit(sharp * (x[:, 0] + x[:, 1] - 1))
    listed = (luck.random(n) < chance) & (luck.random(n) < c)
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "noise": x[:, 2]})
    return Sample(np.arange(n), listed.astype(float), table), chance


def placed(inferred: Inferred, chance: np.ndarray) -> float:
    """Rank correlation of the order that was given with the true one."""
    true = chance[inferred.persons]
    return float(np.corrcoef(inferred.values, np.argsort(np.argsort(true)))[0, 1])


@pytest.fixture(scope="module")
def sharp(alike) -> tuple[Inferred, np.ndarray, Sample]:
    sample, chance = compared(4000, 0.3, 40.0, 1)
    return alike(sample), chance, sample


def test_where_features_tell_for_certain_the_listed_share_is_nearly_found(sharp):
    listed = sharp[0].listed
    assert 0.22 < listed.value < 0.31
    assert "Elkan" in listed.method


def test_those_who_belong_and_are_not_listed_come_first(sharp):
    inferred, chance, _ = sharp
    belongs = chance[inferred.persons] > 0.5
    above = inferred.values[belongs][:, None] > inferred.values[~belongs][None, :]
    assert above.mean() > 0.98


def test_nobody_on_the_list_gets_a_place_and_places_are_shares(sharp):
    inferred, _, sample = sharp
    assert not np.isin(inferred.persons, sample.persons[sample.outcome == 1]).any()
    assert len(inferred.persons) == (sample.outcome == 0).sum()
    assert inferred.values.min() > 0
    assert inferred.values.max() < 1
    assert inferred.values.mean() == pytest.approx(0.5)
    assert np.mean(inferred.values > 0.9) == pytest.approx(0.1, abs=0.03)
    assert np.isnan(inferred.low).all()
    assert np.isnan(inferred.high).all()


@pytest.mark.parametrize("c", [0.1, 0.5])
def test_the_order_does_not_depend_on_how_many_are_listed(alike, c):
    inferred = alike(compared(4000, c, 1.5, 2)[0])
    assert placed(inferred, compared(4000, c, 1.5, 2)[1]) > 0.85
    # Where nobody belongs for certain, the mean chance of the listed is below the share, as the card says.
    assert inferred.listed.high < c


def test_a_list_made_by_lot_tells_nothing(alike):
    luck = np.random.default_rng(5)
    sample = Sample(np.arange(1500), (luck.random(1500) < 0.1) * 1.0, pa.table({"x": luck.normal(size=1500)}))
    assert not alike(sample).quality.tells


def test_a_short_list_among_many_is_enough_to_learn_from(alike):
    sample, chance = compared(12_000, 0.03, 3.0, 6)
    assert sample.outcome.sum() < 150
    inferred = alike(sample)
    assert inferred.quality.tells
    assert placed(inferred, chance) > 0.6


def test_the_order_of_rows_changes_nothing(alike):
    sample, _ = compared(800, 0.4, 2.0, 3)
    order = np.random.default_rng(1).permutation(800)
    other = Sample(sample.persons[order], sample.outcome[order], sample.features.take(order))
    first, second = alike(sample), alike(other)
    np.testing.assert_array_equal(first.persons, second.persons)
    np.testing.assert_array_equal(first.values, second.values)
    assert first.listed == second.listed


def test_a_list_that_is_too_short_or_everybody_is_an_error():
    for listed in (np.arange(400) < 49, np.arange(400) >= 0):
        with pytest.raises(UndefinedError, match="at least 50"):
            Sample(np.arange(400), listed * 1.0, pa.table({"x": np.arange(400.0)}))


def test_nobody_is_compared_without_clearance(gates, clearances):
    sample, _ = compared(400, 0.5, 2.0, 4)
    with pytest.raises(ClearanceError):
        lookalike(sample, clearances(gates(), sample.persons[1:]), gates(), FACTS)
