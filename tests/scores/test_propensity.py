"""Propensities: chances come true, also under survey weights, and what is no signal is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from house import ROOT
from suasion.errors import CampaignError, ClearanceError, UndefinedError
from suasion.ledger import Ledger, reading, running
from suasion.rules import Purpose
from suasion.scores.inferences import Card, Inferred, Sample, propensity, publish
from suasion.scores.inferences.calibrate import CALIBRATIONS, calibrate

FACTS = "traits@1"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BANK = ROOT.parent / "shared" / "data" / "bank_marketing.parquet"


def drawn(n: int, seed: int, slope: float = 1.0) -> tuple[Sample, np.ndarray]:
    """People whose chance of the outcome is known: a logistic one of two of three traits."""
    luck = np.random.default_rng(seed)
    x = luck.normal(size=(n, 3))
    chance = expit(slope * (x[:, 0] + np.maximum(x[:, 1], 0)) - 1)
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "noise": x[:, 2]})
    return Sample(np.arange(n), (luck.random(n) < chance).astype(float), table), chance


def taken(sample: Sample, rows: np.ndarray) -> Sample:
    """Some persons of a sample."""
    return Sample(
        sample.persons[rows],
        sample.outcome[rows],
        sample.features.take(rows),
        None if sample.weights is None else sample.weights[rows],
        None if sample.households is None else sample.households[rows],
        None if sample.groups is None else sample.groups.take(rows),
    )


@pytest.fixture(scope="session")
def infer(gates, clearances):
    """Propensities under a clearance for exactly those who are asked about."""

    def done(sample: Sample, others: pa.Table | None = None) -> Inferred:
        outside = [] if others is None else others["person"].to_numpy()
        persons = np.unique(np.concatenate([sample.persons, outside]).astype(np.int64))
        gate = gates()
        return propensity(sample, others, clearances(gate, persons), gate, FACTS)

    return done


@pytest.fixture(scope="module")
def known(infer) -> tuple[Inferred, np.ndarray]:
    sample, chance = drawn(6000, 1)
    groups = pa.table({"side": ["left" if a < 0 else "<b>right" for a in sample.features["a"].to_pylist()]})
    return infer(replace(sample, groups=groups)), chance


def card(inferred: Inferred) -> Card:
    return Card(
        name="demo",
        kind="propensity",
        trait="likely",
        purpose=Purpose.COMMERCIAL,
        learned_from="'left' in source 'past'",
        model="m1",
        at=AT,
        until=date(2027, 1, 1),
        scored=len(inferred.persons),
        left_out={},
        quality=inferred.quality,
    )


def test_it_ranks_nearly_as_well_as_the_truth(known):
    inferred, chance = known
    sample, _ = drawn(6000, 1)
    yes = sample.outcome == 1
    best = np.mean(chance[yes][:, None] > chance[~yes][None, :])
    assert best - 0.02 < inferred.quality.auc.value < best + 0.01
    assert inferred.quality.tells
    assert np.corrcoef(inferred.values, chance)[0, 1] > 0.93


def test_chances_come_true_in_size(known):
    quality = known[0].quality
    assert quality.slope.low < 1 < quality.slope.high
    held = [one.observed.low <= one.predicted <= one.observed.high for one in quality.bins]
    assert sum(held) >= len(held) - 2


def test_intervals_hold_the_true_share_of_people_alike(known):
    inferred, chance = known
    order = np.argsort(inferred.values)
    parts = np.array_split(order, 40)
    held = [inferred.low[p].mean() <= chance[p].mean() <= inferred.high[p].mean() for p in parts]
    assert np.mean(held) > 0.8
    assert (inferred.low <= inferred.values).all()
    assert (inferred.values <= inferred.high).all()
    assert (inferred.high - inferred.low < 0.2).all()
    assert (inferred.n >= 100).all()


def test_the_card_says_what_matters_and_how_groups_fare(known):
    quality = known[0].quality
    *_, last = quality.importance
    assert last == "noise"
    assert quality.importance["noise"].high < quality.importance["b"].low < quality.importance["a"].low
    sides = quality.groups["side"]
    assert sum(one.n for one in sides.values()) == 6000
    assert all(abs(one.predicted - one.observed.value) < 0.03 for one in sides.values())


def test_a_card_is_words_json_and_a_page_without_markup_from_data(known):
    made = card(known[0])
    assert json.loads(json.dumps(made.as_dict()))["quality"]["tells"] is True
    assert "6,000 persons" in made.sentences[0]
    assert any("not whom a message changes" in limit for limit in made.limits)
    assert "&lt;b&gt;right" in made.page
    assert "<b>right" not in made.page
    assert "<script" not in made.page


@pytest.fixture(scope="module")
def surveyed() -> tuple[Sample, pa.Table, np.ndarray]:
    """A survey in which those with the outcome answer four times as often; and who was not asked."""
    sample, chance = drawn(12_000, 3)
    answers = np.where(sample.outcome == 1, 0.4, 0.1)
    rows = np.flatnonzero(np.random.default_rng(4).random(12_000) < answers)
    weighted = replace(taken(sample, rows), weights=1 / answers[rows])
    rest = np.setdiff1d(np.arange(12_000), rows)
    others = sample.features.take(rest).add_column(0, "person", pa.array(rest))
    return weighted, others, chance[rest]


def test_weights_bring_chances_to_the_level_of_the_people(infer, surveyed):
    sample, others, chance = surveyed
    weighted = infer(sample, others)
    plain = infer(replace(sample, weights=None), others)
    asked = np.isin(weighted.persons, others["person"].to_numpy())
    for part in np.array_split(np.argsort(chance), 5):
        assert abs(weighted.values[asked][part].mean() - chance[part].mean()) < 0.03
    assert plain.values[asked].mean() > chance.mean() + 0.15
    assert weighted.quality.slope.low < 1 < weighted.quality.slope.high
    everybody = drawn(12_000, 3)[1].mean()
    assert weighted.quality.base_rate.low < everybody < weighted.quality.base_rate.high
    assert weighted.quality.effective < len(sample.persons)
    assert weighted.quality.base_rate.method.endswith("weighted")


def test_equal_weights_of_any_size_change_nothing(infer):
    sample, _ = drawn(600, 5)
    plain, heavy = infer(sample), infer(replace(sample, weights=np.full(600, 137.0)))
    np.testing.assert_allclose(plain.values, heavy.values, atol=1e-9)
    assert heavy.quality.effective == pytest.approx(600)


def test_the_order_of_rows_changes_nothing(infer):
    sample, _ = drawn(800, 6)
    others = drawn(500, 7)[0].features.slice(0, 50).add_column(0, "person", pa.array(np.arange(1000, 1050)))
    groups = sample.features.select(["a"])
    sample = replace(sample, weights=np.random.default_rng(1).uniform(1, 3, 800), groups=groups)
    order, back = np.random.default_rng(8).permutation(800), np.arange(49, -1, -1)
    first, second = infer(sample, others), infer(taken(sample, order), others.take(back))
    for name in ("persons", "values", "low", "high", "n"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.quality == second.quality


def test_what_a_household_shares_is_not_taken_for_knowledge(infer):
    luck = np.random.default_rng(9)
    home = np.repeat(np.arange(200), 5)
    outcome = (luck.random(200) < 0.5).astype(float)[home]
    features = pa.table({f"x{i}": luck.normal(size=200)[home] for i in range(6)})
    sample = Sample(np.arange(1000), outcome, features)
    assert infer(sample).quality.tells, "a model that sees a person's household knows the person"
    together = infer(replace(sample, households=home)).quality
    assert not together.tells
    assert together.gain.n == 200


def test_noise_seldom_passes_for_a_score(infer):
    passed = 0
    for seed in range(5):
        luck = np.random.default_rng(seed)
        features = pa.table({f"x{i}": luck.normal(size=400) for i in range(5)})
        outcome = luck.permutation(np.arange(400) % 4 == 0) * 1.0
        passed += infer(Sample(np.arange(400), outcome, features)).quality.tells
    assert passed <= 1


def test_a_score_that_tells_nothing_is_not_published(infer, gates, clearances, tmp_path):
    luck = np.random.default_rng(2)
    sample = Sample(np.arange(500), (np.arange(500) % 2) * 1.0, pa.table({"x": luck.normal(size=500)}))
    inferred, gate, ledger = infer(sample), gates(), Ledger.open(tmp_path / "ledger.db")
    with running(ledger, tmp_path / "lake", "infer", AT) as run:
        with pytest.raises(UndefinedError, match="these data do not tell"):
            publish(run, card(inferred), inferred, "", clearances(gate, inferred.persons), gate, FACTS)
        assert not run.made
    assert not reading(ledger, tmp_path / "lake").versions


def test_a_published_score_has_interval_count_version_and_last_day(known, gates, clearances, tmp_path):
    inferred, gate, ledger = known[0], gates(), Ledger.open(tmp_path / "ledger.db")
    with running(ledger, tmp_path / "lake", "infer", AT) as run:
        publish(run, card(inferred), inferred, "i", clearances(gate, inferred.persons), gate, FACTS)
    tables = reading(ledger, tmp_path / "lake")
    row = tables.read("inferred.likely", "infer").slice(17, 1).to_pylist()[0]
    assert (row["person"], row["model"], row["purpose"], row["expires_on"]) == (
        17,
        "m1",
        "commercial",
        date(2027, 1, 1),
    )
    assert row["low"] <= row["value"] <= row["high"]
    assert json.loads(tables.read("cards.likely", "infer")["card"][0].as_py())["model"] == "m1"


def test_nobody_is_learned_from_scored_or_stored_without_clearance(known, gates, clearances, tmp_path):
    sample, _ = drawn(300, 1)
    others = sample.features.slice(0, 1).add_column(0, "person", pa.array([10**9]))
    gate = gates()
    for bad in (clearances(gate, sample.persons[:-1]), clearances(gates("another"), sample.persons)):
        with pytest.raises(ClearanceError):
            propensity(sample, None, bad, gate, FACTS)
    with pytest.raises(ClearanceError, match=r"1 person\(s\)"):
        propensity(sample, others, clearances(gate, sample.persons), gate, FACTS)
    with running(Ledger.open(tmp_path / "ledger.db"), tmp_path / "lake", "infer", AT) as run:
        with pytest.raises(ClearanceError):
            publish(run, card(known[0]), known[0], "", clearances(gate, sample.persons), gate, FACTS)
        assert not run.made


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"outcome": np.full(300, 0.5)}, "neither 0 nor 1"),
        ({"outcome": np.full(300, np.nan)}, "neither 0 nor 1"),
        ({"outcome": np.ones(300)}, "300 persons with the outcome and 0 without"),
        ({"outcome": np.repeat([1.0, 0.0], [49, 251])}, "at least 50"),
        ({"outcome": np.ones(299)}, "different lengths"),
        ({"persons": np.arange(300) // 2}, "150 person"),
        ({"weights": np.zeros(300)}, "weight"),
        ({"weights": np.full(300, np.nan)}, "weight"),
        ({"weights": np.full(300, np.inf)}, "weight"),
        ({"households": np.zeros(10, np.int64)}, "different lengths"),
        ({"groups": pa.table({"g": [1]})}, "different lengths"),
    ],
)
def test_a_sample_that_cannot_be_learned_from_is_an_error(change, found):
    with pytest.raises(UndefinedError, match=found):
        replace(drawn(300, 1)[0], **change)


def test_what_cannot_be_split_encoded_or_told_apart_is_an_error(infer):
    sample, _ = drawn(300, 1)
    with pytest.raises(UndefinedError, match="households"):
        infer(replace(sample, households=np.arange(300) % 3))
    with pytest.raises(CampaignError, match="infinite"):
        infer(replace(sample, features=pa.table({"x": np.full(300, np.inf)})))
    with pytest.raises(CampaignError, match="in the sample"):
        infer(sample, sample.features.slice(0, 1).add_column(0, "person", pa.array([5])))


def test_missing_constant_and_text_features_are_taken_as_they_are(infer):
    sample, _ = drawn(600, 1)
    a = sample.features["a"].to_pylist()
    odd = {
        "a": pa.array([None if i % 3 == 0 else value for i, value in enumerate(a)]),
        "constant": pa.array(np.ones(600)),
        "empty": pa.nulls(600, pa.float64()),
        "many": pa.array([f"town {i % 300}" for i in range(600)]),
    }
    inferred = infer(replace(sample, features=pa.table(odd)))
    assert np.isfinite(inferred.values).all()
    assert ((inferred.values > 0) & (inferred.values < 1)).all()
    assert inferred.quality.importance["constant"].value == 0


said = st.lists(
    st.tuples(st.floats(-8, 8, allow_nan=False), st.booleans(), st.integers(1, 4)), min_size=4, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(rows=said, way=st.sampled_from(sorted(CALIBRATIONS)))
def test_a_calibration_never_falls_and_never_is_certain(rows, way):
    odds, yes, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    chances = CALIBRATIONS[way](odds, yes, weights)(np.linspace(-9, 9, 101))
    assert all(second >= first - 1e-12 for first, second in pairwise(chances))
    if 0 < yes.sum() < len(yes) or way == "logistic":
        assert ((chances > 0) & (chances < 1)).all()


@settings(max_examples=60, deadline=None)
@given(rows=said, way=st.sampled_from(sorted(CALIBRATIONS)))
def test_a_weight_of_k_is_k_persons(rows, way):
    odds, yes, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    times = weights.astype(int)
    once = CALIBRATIONS[way](odds, yes, weights)(odds)
    many = CALIBRATIONS[way](np.repeat(odds, times), np.repeat(yes, times), np.ones(times.sum()))(odds)
    np.testing.assert_allclose(once, many, atol=1e-3)


def test_a_calibration_mends_odds_that_are_three_times_too_bold():
    luck = np.random.default_rng(0)
    true = luck.normal(size=4000)
    yes = (luck.random(4000) < expit(true)).astype(float)
    _, chances, others = calibrate(3 * true, yes, np.ones(4000), np.arange(4000) % 5)
    assert np.abs(chances - expit(true)).mean() < 0.02
    np.testing.assert_allclose(others(np.array([-3.0, 0.0, 3.0])), expit([-1, 0, 1]), atol=0.05)


@pytest.mark.skipif(not BANK.exists(), reason="bank_marketing.parquet is not there")
def test_on_a_real_campaign_chances_come_true(infer):
    table = pq.read_table(BANK).take(np.random.default_rng(0).permutation(45_211)[:5_000])
    known = [name for name in table.column_names if name not in ("duration", "subscription")]
    outcome = np.array([answer == "yes" for answer in table["subscription"].to_pylist()], float)
    sample = Sample(np.arange(5_000), outcome, table.select(known), groups=table.select(["age", "marital"]))
    quality = infer(sample).quality
    # Moro, Cortez, Rita 2014 report 0.79 to 0.80 without the call's duration, which is known only afterwards.
    assert 0.75 < quality.auc.value < 0.82
    assert quality.slope.low < 1 < quality.slope.high
    assert len(quality.groups["age"]) == 4
    held = [
        one.observed.low <= one.predicted <= one.observed.high
        for found in quality.groups.values()
        for one in found.values()
    ]
    assert sum(held) >= len(held) - 1
