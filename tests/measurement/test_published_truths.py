"""Published results of real experiments, by suasion's own reading and summaries."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import suasion
from suasion.experiments import Assignment, Design, Treatment, assemble
from suasion.ingest import load_source
from suasion.measurement import aipw_value, weighted_value
from suasion.stats import difference_in_means

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SUASION_DATA", ROOT.parent / "shared" / "data"))


def ingested(folder, example, file):
    """The workspace of an example with its data read in."""
    if not (DATA / file).is_file():
        pytest.skip(f"{file} is not in {DATA}; name its folder in SUASION_DATA")
    shutil.copytree(ROOT / "examples" / example, folder, dirs_exist_ok=True)
    (folder / "sources" / file).symlink_to((DATA / file).resolve())
    workspace = suasion.open(folder)
    workspace.ingest()
    return workspace


def trial_of(workspace, assignment, features):
    """Everybody of a workspace's experiment, its arms equally likely where that is known."""
    past = load_source(workspace.folder / "sources" / "trial.toml")
    tables = workspace.tables()
    records, traits = tables.read("records.trial", "ingest"), tables.read("traits", "ingest")
    arms = tuple(past.treatment.arms)
    chances = tuple(past.treatment.probabilities.values()) or None
    design = Design(tuple(map(Treatment, arms)), assignment, chances)
    outcomes = tuple(past.outcomes)
    return assemble(design, records["person"].to_numpy(), records, traits, features, outcomes)[0]


def by_weighting(bench, scores, outcome):
    """The mean of each arm in parts of one hundred, as the value of giving it to everybody."""
    arms = range(scores.aipw[outcome].shape[1])
    return [weighted_value(scores, outcome, bench.one_for_all(scores, arm)).value for arm in arms]


@pytest.fixture(scope="module")
def hillstrom(tmp_path_factory):
    workspace = ingested(tmp_path_factory.mktemp("shop"), "shop", "hillstrom.parquet")
    return trial_of(workspace, Assignment.KNOWN, ("recency", "bought_mens", "bought_womens", "newbie"))


def test_hillstrom(bench, hillstrom, without_models):
    scores = without_models(hillstrom)
    assert len(scores.persons) == 64_000
    assert np.round(100 * np.array(by_weighting(bench, scores, "visit")), 2).tolist() == [10.62, 18.28, 15.14]
    assert np.round(by_weighting(bench, scores, "spend"), 3).tolist() == [0.653, 1.423, 1.077]


def test_turnout(bench, tmp_path, without_models):
    workspace = ingested(tmp_path, "turnout", "ggl_turnout.parquet")
    trial = trial_of(workspace, Assignment.RANDOMIZED, ())
    shares = np.bincount(trial.arms) / len(trial.arms)
    scores = without_models(replace(trial, received=shares[trial.arms]))
    assert len(scores.persons) == 305_866
    found = 100 * np.array(by_weighting(bench, scores, "voted"))
    assert np.round(found, 2).tolist() == [29.66, 31.45, 32.24, 37.79]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    pytest.importorskip("causaldata", reason="the extra 'demo' is not installed")
    folder = tmp_path_factory.mktemp("clinic")
    shutil.copytree(ROOT / "examples" / "clinic", folder, dirs_exist_ok=True)
    data = import_module("causaldata.thornton_hiv").load_pandas().data
    data.to_csv(folder / "sources" / "thornton_hiv.csv", index=False)
    return suasion.open(folder)


def test_thornton(bench, clinic, without_models):
    clinic.ingest()
    collected = clinic.tables().read("records.trial", "ingest")["outcome:collected"]
    assert len(collected) - collected.null_count == 2_894
    trial = trial_of(clinic, Assignment.RANDOMIZED, ())
    assert len(trial.persons) == 2_894 - 60, "for 60 of them the amount of the voucher is not recorded"
    scores = without_models(replace(trial, received=np.ones(len(trial.persons))))
    none, small, large = by_weighting(bench, scores, "collected")
    assert round(100 * none, 1) == 33.9
    with_voucher = np.array([(trial.arms == arm).sum() for arm in (1, 2)])
    assert round(100 * float(with_voucher @ [small, large] / with_voucher.sum())) == 79


def test_the_report_on_thornton_counts_adults_only(clinic):
    report = clinic.run()
    arms = {arm.name: arm for arm in report.arms}
    assert sum(arm.people for arm in report.arms) == report.replay.people <= 2_894
    assert arms["none"].means["collected"].low < 0.339 < arms["none"].means["collected"].high
    assert arms["large"].means["collected"].low > arms["none"].means["collected"].high


def agree(bench, scores, outcome):
    """Treat-all by weighting is the arm's mean; by AIPW it is near, in standard errors of the mean."""
    gaps = []
    for arm in range(scores.aipw[outcome].shape[1]):
        way = bench.one_for_all(scores, arm)
        weighted, aipw = weighted_value(scores, outcome, way), aipw_value(scores, outcome, way)
        plain = scores.observed[outcome][scores.arms == arm]
        assert weighted.value == pytest.approx(plain.mean(), abs=1e-9)
        gaps.append(abs(aipw.value - weighted.value) * 3.92 / (weighted.high - weighted.low))
    return gaps


def test_two_estimators_agree_on_thornton(bench, clinic):
    clinic.ingest()
    trial = trial_of(clinic, Assignment.RANDOMIZED, ("age", "distance"))
    shares = np.bincount(trial.arms) / len(trial.arms)
    known = Design(trial.design.treatments, Assignment.KNOWN, tuple(shares))
    scores = bench.fitted(replace(trial, design=known, received=shares[trial.arms]))
    assert max(agree(bench, scores, "collected")) < 0.5


@pytest.mark.slow
def test_two_estimators_agree_on_hillstrom(bench, hillstrom):
    scores = bench.fitted(replace(hillstrom, outcomes={"visit": hillstrom.outcomes["visit"]}))
    assert max(agree(bench, scores, "visit")) < 0.5
    got = [scores.observed["visit"][scores.arms == arm] for arm in range(3)]
    for arm in (1, 2):
        plain = difference_in_means(got[arm], got[0])
        ways = bench.one_for_all(scores, arm), bench.one_for_all(scores, 0)
        weighted = [weighted_value(scores, "visit", way).value for way in ways]
        assert weighted[0] - weighted[1] == pytest.approx(plain.value, abs=1e-9)
        paired = aipw_value(scores, "visit", *ways)
        assert paired.high - paired.low < plain.high - plain.low


def test_no_feature_of_hillstrom_is_lost_on_the_way(hillstrom):
    assert hillstrom.features.schema.types == [pa.int64(), pa.bool_(), pa.bool_(), pa.bool_()]
    assert all(column.null_count == 0 for column in hillstrom.features.columns)
