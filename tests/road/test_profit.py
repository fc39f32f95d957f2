"""On Hillstrom: profit a customer of the plan, beside mailing everybody and mailing nobody. Slow."""

import os
import shutil
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from suasion.stats import Estimate, mean
from suasion.workspace.brief import brief
from suasion.workspace.drawn import drawn_plan
from suasion.workspace.scored import scores_of

LIVE = run_path(str(Path(__file__).with_name("livetown.py")))
edit, opened, NOW = LIVE["edit"], LIVE["opened"], LIVE["NOW"]
ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SUASION_DATA", ROOT.parent / "shared" / "data")) / "hillstrom.parquet"

pytestmark = pytest.mark.slow


def test_a_plan_by_worth_earns_no_less_than_mailing_everybody_and_more_than_mailing_nobody(tmp_path: Path):
    if not DATA.exists():
        pytest.skip(f"{DATA} is not there; SUASION_DATA names its folder")
    folder = Path(shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop"))
    shutil.copy(DATA, folder / "sources")
    (path,) = (folder / "campaigns").glob("*.toml")
    edit(path, r'outcome = "visit"\nalso = \["spend"\]', 'outcome = "spend"\nalso = ["visit"]\nworth = 1.0')
    edit(path, r"(?m)^budget = .*", "budget = 10000.0")
    edit(path, r"(?m)^holdout = .*\nexploration = .*", "holdout = 0.0\nexploration = 0.0")
    workspace = opened(folder)
    workspace.ingest()
    workspace.score()
    workspace.plan()
    prepared = brief(folder, workspace.settings, path.stem, NOW)
    scores = scores_of(workspace.tables(), prepared)
    made = drawn_plan(workspace.tables(), workspace.ledger, prepared).plan
    costs = np.broadcast_to(made.options.costs, made.options.effects.shape)
    profit = scores.aipw["spend"] - np.insert(costs, 0, 0.0, axis=1)

    def earned(against: int) -> Estimate:
        other = np.eye(3)[np.full(len(profit), against)]
        return mean(((made.probabilities - other) * profit).sum(axis=1))

    found = {name: earned(arm) for arm, name in enumerate(("nobody", *made.options.treatments))}
    print({name: estimate.scaled(digits=3) for name, estimate in found.items()})
    assert found["nobody"].low > 0
    assert all(estimate.high >= 0 for estimate in found.values())
