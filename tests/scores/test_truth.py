"""What is said of effects is true: on simulated experiments, and on Hillstrom's e-mails. Slow."""

import os
from pathlib import Path
from runpy import run_path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy.special import bdtr

from suasion.scores import Data, encode, pool
from suasion.scores.learners import learn_doubly_robust, learn_forest, learn_linearly
from suasion.stats import calibration, mean, ranking

WORLDS = run_path(str(Path(__file__).with_name("worlds.py")))
world, KINDS = WORLDS["world"], WORLDS["KINDS"]
FOLDER = Path(os.environ.get("SUASION_DATA", Path(__file__).parents[3] / "shared" / "data"))
FEATURES = ["recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"]
RUNS = 1000

pytestmark = pytest.mark.slow


def plausible(covered: int, runs: int) -> bool:
    """Whether a two-sided binomial test at 0.001 lets 95 % stand."""
    low = float(bdtr(covered, runs, 0.95))
    high = 1 - float(bdtr(covered - 1, runs, 0.95))
    return min(low, high) > 0.0005


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_policy_value_and_qini_cover_the_truth(kind):
    covered = np.zeros(2, int)
    for seed in range(RUNS):
        one = world(kind, 600, seed)
        everybody = np.arange(one.data.n)
        half = pool.folds_of(everybody, one.data.clusters, one.treatments, 2, f"halves {seed}")
        sample = pool.sample_of(one.data, one.treatments, one.outcome, everybody, half, 2, seed)
        order, homes = one.data.features.matrix[:, 1], one.data.clusters
        gains, truth = sample.gains[:, 0], one.truth[:, 0]
        treated = order > 0.3
        # The people are fixed: their own mean gain is what the policy is worth.
        value = mean(gains * treated - truth * treated, homes)
        qini = ranking.qini(gains - truth, order, homes)
        covered += [value.low <= 0 <= value.high, qini.low <= 0 <= qini.high]
    assert all(plausible(count, RUNS) for count in covered), covered


def test_where_much_is_known_predicted_effects_are_right_in_size():
    one = world("step", 500_000, 1, size=0.1)
    learners = {"linear": learn_linearly, "DR": learn_doubly_robust, "forest": learn_forest}
    found = pool.fit(one.data, one.treatments, one.outcome, learners=learners)
    slope = calibration.line(one.truth[:, 0], found.effects[:, 0], groups=found.folds).slope
    assert 0.9 < slope.value < 1.1


def test_hillstroms_women_are_told_apart_and_the_size_is_right():
    path = FOLDER / "hillstrom.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not there; SUASION_DATA names its folder")
    table = pq.read_table(path)
    table = table.filter(pc.is_in(table["segment"], value_set=pa.array(["Womens E-Mail", "No E-Mail"])))
    treated = (np.array(table["segment"].to_pylist()) == "Womens E-Mail").astype(np.int64)
    data = Data(encode(table.select(FEATURES)), np.full((len(treated), 2), 0.5))
    found = pool.fit(data, treated, table["visit"].to_numpy().astype(np.float64))
    assert found.rankings[0].ranks
    average = found.average[0]
    error = (average.high - average.low) / 2 / 1.96
    assert abs(found.effects.mean() - average.value) < error
    assert abs(average.value - 0.0452) < 0.002
    slope = calibration.line(found.sample.gains[:, 0], found.effects[:, 0], groups=found.folds).slope
    assert slope.low < 1 < slope.high
    assert slope.low > 0
