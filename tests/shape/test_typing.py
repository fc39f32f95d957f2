"""A forgotten clearance is a type error: no stage learns, publishes or judges without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from house import ROOT

GIVEN = """\
from suasion import {stage}
from suasion.allocation import Plan
from suasion.allocation.decide import Decisions
from suasion.experiments import Design, Trial
from suasion.ledger import Campaign, Ledger, Run, sends
from suasion.rules import Clearance, Gate
from suasion.scores import Forecast, Model, Scores, inferences
from datetime import datetime


def call(
    at: datetime,
    campaign: Campaign,
    clearance: Clearance,
    decisions: Decisions,
    design: Design,
    evidence: sends.Evidence,
    forecast: Forecast,
    gate: Gate,
    books: Ledger,
    card: inferences.Card,
    inferred: inferences.Inferred,
    model: Model,
    sample: inferences.Sample,
    plan: Plan,
    run: Run,
    scored: Scores,
    terms: sends.Terms,
    trial: Trial,
) -> object:
    return {call}
"""
CALLS = {
    "scores.fit": "trial=trial, {clearance}gate=gate, facts='v'",
    "scores.publish_scores": (
        "run=run, campaign='c', scores=scored, forecast=forecast, model=model, inputs='i', "
        "{clearance}gate=gate, facts='v'"
    ),
    "scores.inferences.propensity": "sample=sample, others=None, {clearance}gate=gate, facts='v'",
    "scores.inferences.lookalike": "sample=sample, {clearance}gate=gate, facts='v'",
    "scores.inferences.publish": (
        "run=run, card=card, inferred=inferred, inputs='i', {clearance}gate=gate, facts='v'"
    ),
    "allocation.publish_plan": (
        "run=run, campaign='c', plan=plan, decisions=decisions, digest='d', terms='t', inputs='i', "
        "{clearance}gate=gate, facts='v', keyed=True"
    ),
    "ledger.sends.claim": (
        "ledger=books, terms=terms, {clearance}gate=gate, facts=('traits',), at=at, after=0, until=9, "
        "limit=9, evidence=evidence"
    ),
    "measurement.replay": (
        "campaign=campaign, design=design, scores=scored, made=plan, {clearance}gate=gate, facts='v'"
    ),
}
FORGOTTEN = {
    "nothing": ("", 'missing for parameter "clearance"'),
    "None": ("clearance=None, ", 'to parameter "clearance" of type "Clearance"'),
    "a list of ids": ("clearance=[1, 2], ", 'to parameter "clearance" of type "Clearance"'),
    "an array of ids": ("clearance=trial.persons, ", 'to parameter "clearance" of type "Clearance"'),
    "a judgement": ("clearance=gate.judge, ", 'to parameter "clearance" of type "Clearance"'),
}
GRANTED = "clearance=clearance, "


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the type checker says of each snippet, by the name of its file; one run for all of them."""
    folder = tmp_path_factory.mktemp("typing")
    for number, (function, arguments) in enumerate(CALLS.items()):
        for way, clearance in {"granted": GRANTED, **{k: v[0] for k, v in FORGOTTEN.items()}}.items():
            call = f"{function}({arguments.format(clearance=clearance)})"
            (folder / f"{number} {way}.py").write_text(
                GIVEN.format(stage=function.split(".")[0], call=call), "utf-8"
            )
    files = sorted(map(str, folder.glob("*.py")))
    # Run where pyproject.toml is, the files are judged by the settings of the project: strict.
    command = [sys.executable, "-m", "pyright", "--outputjson", *files]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(ended.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files)
    found: dict[str, list[str]] = {Path(file).stem: [] for file in files}
    for diagnostic in report["generalDiagnostics"]:
        found[Path(diagnostic["file"]).stem].append(diagnostic["message"])
    return found


@pytest.mark.parametrize("function", CALLS)
def test_a_call_with_a_clearance_is_well_typed(said: dict[str, list[str]], function: str):
    assert said[f"{list(CALLS).index(function)} granted"] == []


@pytest.mark.parametrize("way", FORGOTTEN)
@pytest.mark.parametrize("function", CALLS)
def test_a_call_without_a_clearance_is_a_type_error(said: dict[str, list[str]], function: str, way: str):
    (message,) = said[f"{list(CALLS).index(function)} {way}"]
    assert FORGOTTEN[way][1] in message
