"""Simulated experiments with a known truth, judged from trial to sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from suasion.allocation import Options, Plan, plan
from suasion.experiments import Assignment, Design, Treatment, Trial
from suasion.ledger import Campaign
from suasion.measurement import Replay, replay
from suasion.measurement.sentences import sentences
from suasion.rules import Clearance, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs
from suasion.scores import Findings, Scores, fit
from suasion.scores.extremes import Extremes
from suasion.scores.ranking import unranked

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS = "traits@1"

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """A plan with all it was made from, and what is said of it."""

    campaign: Campaign
    design: Design
    scores: Scores
    made: Plan
    replay: Replay
    sentences: tuple[str, ...]


def make_gate(campaign: str = "demo") -> Gate:
    """The house rules held against learning and evaluating by a shop in the United States."""
    uses, where = frozenset({Use.LEARN, Use.EVALUATE}), Jurisdiction("US", AT.date())
    return Gate(load_packs((), Path("none")), Occasion(uses, Purpose.COMMERCIAL, campaign, where, AT))


def clear(gate: Gate, persons: Ids) -> Clearance:
    """Permission for adult customers."""
    n = len(persons)
    known = {"adult": [True] * n, "age": [40] * n, "basis": ["contract"] * n, "purpose_permitted": [True] * n}
    known |= {"objected": [False] * n, "restricted": [False] * n}
    return gate.judge(
        pa.table({"person": persons, **known, "consent": pa.nulls(n, pa.bool_())}), FACTS
    ).clearance


def fitted(trial: Trial) -> Scores:
    """Scores of everybody in the trial."""
    return fit(trial, clear(make_gate(), trial.persons), make_gate(), FACTS)[0]


def declared(budget: float, holdout: float = 0.0, exploration: float = 0.0, outcome: str = "y") -> Campaign:
    """A campaign with this budget and these floors."""
    return Campaign(
        name="demo",
        sponsor="a test",
        purpose=Purpose.COMMERCIAL,
        source="trial",
        segment="all",
        control="none",
        outcome=outcome,
        features=("x0",),
        budget=budget,
        holdout=holdout,
        exploration=exploration,
        treatments={"mail 1": {}},  # pyright: ignore[reportArgumentType]
    )


def options(
    scores: Scores, costs: Sequence[float], permitted: Sequence[bool] | None = None, control: str = "none"
) -> Options:
    """What could be done: fixed costs, everything permitted unless told otherwise."""
    names = tuple(f"mail {i + 1}" for i in range(len(costs)))
    allowed = np.array(permitted or [True] * len(costs), np.bool_)
    fixed = np.tile(np.array(costs, np.float64), (len(scores.persons), 1))
    return Options(scores.persons, control, names, scores.effects, fixed, allowed)


def judge(
    trial: Trial,
    money: float,
    scores: Scores | None = None,
    permitted: Sequence[bool] | None = None,
    exploration: float = 0.0,
) -> Judged:
    """Plan, judge and tell; `money` is the budget a person."""
    scores = fitted(trial) if scores is None else scores
    campaign = declared(money * len(trial.persons), exploration=exploration)
    costs = [treatment.cost for treatment in trial.design.treatments[1:]]
    made = plan(options(scores, costs, permitted), campaign.budget, 0.0, exploration)
    gate = make_gate()
    judged = replay(campaign, trial.design, scores, made, clear(gate, trial.persons), gate, FACTS)
    told = sentences(campaign, trial.design, made, judged, scores.findings, "USD")
    return Judged(campaign, trial.design, scores, made, judged, told)


@dataclass(frozen=True)
class World:
    """An experiment, and what nobody knows in practice: the mean outcome of each person under each arm."""

    trial: Trial
    truth: Floats


Effect = Callable[[Floats], Floats]


def simulate(
    seed: int,
    n: int,
    effect: Effect,
    *,
    arms: int = 2,
    chances: Callable[[Floats], Floats] | None = None,
    assignment: Assignment = Assignment.KNOWN,
    noise: float = 1.0,
) -> World:
    """Draw an experiment: `effect` gives each person's effect of the best arm, others have half of it.

    `chances` gives each person's probabilities of the arms; equal ones if left out.
    """
    luck = np.random.default_rng(seed)
    x = luck.normal(size=(n, 2))
    p = np.full((n, arms), 1 / arms) if chances is None else chances(x)
    got = (luck.random(n)[:, None] > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
    strength = np.array([0.0, 1.0, *[0.5] * (arms - 2)])
    truth = x[:, [0]] + effect(x)[:, None] * strength
    treatments = (Treatment("none"), *(Treatment(f"mail {i}", None, 1.0) for i in range(1, arms)))
    known = assignment is Assignment.KNOWN
    trial = Trial(
        design=Design(treatments, assignment, (1 / arms,) * arms if known and chances is None else None),
        persons=np.arange(1, n + 1),
        arms=got,
        received=p[np.arange(n), got] if known else np.full(n, np.nan),
        outcomes={"y": truth[np.arange(n), got] + noise * luck.normal(size=n)},
        features=pa.table({"x0": x[:, 0], "x1": x[:, 1]}),
        households=None,
    )
    return World(trial, truth)


def one_for_all(scores: Scores, arm: int) -> Floats:
    """Probabilities of giving everybody one arm."""
    return np.eye(scores.aipw[next(iter(scores.aipw))].shape[1])[np.full(len(scores.persons), arm)]


@dataclass(frozen=True)
class Bench:
    """The functions above, for tests."""

    simulate = staticmethod(simulate)
    fitted = staticmethod(fitted)
    judge = staticmethod(judge)
    options = staticmethod(options)
    declared = staticmethod(declared)
    one_for_all = staticmethod(one_for_all)
    gate = staticmethod(make_gate)
    clear = staticmethod(clear)


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()


def scores_without_models(trial: Trial) -> Scores:
    """Scores whose models know nothing: enough for means and weighting."""
    flat = {name: np.zeros((len(trial.persons), len(trial.design.treatments))) for name in trial.outcomes}
    return Scores(
        persons=trial.persons,
        households=trial.households,
        arms=trial.arms,
        received=trial.received,
        effects=np.zeros((len(trial.persons), len(trial.design.treatments) - 1)),
        observed=trial.outcomes,
        expected=flat,
        aipw=flat,
        learned=np.zeros((len(trial.persons), len(trial.design.treatments) - 1)),
        findings=Findings(
            unranked("nothing was learned", len(trial.design.treatments) - 1), (), Extremes(None, 0, None)
        ),
    )


@pytest.fixture(scope="session")
def without_models() -> Callable[[Trial], Scores]:
    return scores_without_models
