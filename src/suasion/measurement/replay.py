"""A plan judged on people of a finished experiment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation import Plan
from suasion.errors import UndefinedError
from suasion.experiments import Design
from suasion.ledger import Campaign
from suasion.measurement import policies
from suasion.measurement.budgets import BudgetPoint, budget_points
from suasion.measurement.value import aipw_value, learned_gain, weighted_value
from suasion.rules import Clearance, Gate
from suasion.scores import Scores
from suasion.stats import Estimate, mean

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """The average probability of each option, nothing first."""

    names: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class PolicyValue:
    """What one way to decide is worth.

    Parameters
    ----------
    name : str
    shares : Shares
    cost : Estimate
        Money a person, from recorded outcomes where the cost depends on them.
    values : dict of str to Estimate
        Mean of each outcome a person, AIPW.
    weighted : Estimate or None
        Mean of the campaign's outcome by weighting alone; None where nobody got what it gives.
    """

    name: str
    shares: Shares
    cost: Estimate
    values: dict[str, Estimate]
    weighted: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """The plan minus another way to decide, on the same people, per person and outcome."""

    against: str
    differences: dict[str, Estimate]


@dataclass(frozen=True)
class Replay:
    """Everything a report says about the value of a plan.

    Parameters
    ----------
    people : int
        Persons of the experiment the plan covers.
    policies : tuple of PolicyValue
        The plan first.
    comparisons : tuple of Comparison
    effects : dict of str to Estimate
        Average effect of each treatment on the campaign's outcome.
    budgets : tuple of BudgetPoint
    refusal : Comparison or None
        What the refusal of messages costs: plan minus the plan without it; None if none was refused.
    """

    people: int
    policies: tuple[PolicyValue, ...]
    comparisons: tuple[Comparison, ...]
    effects: dict[str, Estimate]
    budgets: tuple[BudgetPoint, ...]
    refusal: Comparison | None


def replay(
    campaign: Campaign,
    design: Design,
    scores: Scores,
    made: Plan,
    clearance: Clearance,
    gate: Gate,
    facts: str,
) -> Replay:
    """Judge a plan beside nobody, everybody, by lot at the same cost, and ranking by propensity.

    Every person is judged with scores by models that have not seen that person.

    Parameters
    ----------
    campaign : Campaign
    design : Design
    scores : Scores
    made : Plan
        Over the persons of `scores`, in their order.
    clearance : Clearance
        Must permit evaluation.
    gate : Gate
    facts : str
        Version of the facts as they stand now.

    Returns
    -------
    Replay

    Raises
    ------
    ClearanceError
        The clearance does not permit it.
    """
    gate.admit(clearance, scores.persons, facts)
    outcome = campaign.outcome
    average = (scores.aipw[outcome][:, 1:] - scores.aipw[outcome][:, :1]).mean(axis=0)
    ways = _ways(campaign, scores, made, average)
    main = made.probabilities
    first = {name: way for name, way in ways.items() if name != "plan"}
    return Replay(
        people=len(scores.persons),
        policies=tuple(_valued(name, design, scores, outcome, way) for name, way in ways.items()),
        comparisons=tuple(_compared(scores, main, name, way) for name, way in first.items()),
        effects={
            name: aipw_value(scores, outcome, policies.everybody(made, i), policies.nobody(made))
            for i, name in enumerate(made.options.treatments)
        },
        budgets=budget_points(campaign, scores, made, average),
        refusal=_refusal(campaign, scores, made),
    )


def _ways(campaign: Campaign, scores: Scores, made: Plan, average: Floats) -> dict[str, Floats]:
    response = policies.usual_response(scores, campaign.outcome)
    everybody = {
        f"everybody: {name}": policies.everybody(made, i) for i, name in enumerate(made.options.treatments)
    }
    return {
        "plan": made.probabilities,
        "by lot": policies.by_lot(made, average, campaign),
        "by propensity": policies.by_propensity(made, response, average, campaign),
        "nobody": policies.nobody(made),
        **everybody,
    }


def _valued(name: str, design: Design, scores: Scores, outcome: str, way: Floats) -> PolicyValue:
    try:
        weighted = weighted_value(scores, outcome, way)
    except UndefinedError:
        weighted = None
    return PolicyValue(
        name=name,
        shares=Shares(design.names, tuple(way.mean(axis=0).tolist())),
        cost=_cost(design, scores, way),
        values={o: aipw_value(scores, o, way) for o in scores.aipw},
        weighted=weighted,
    )


def _cost(design: Design, scores: Scores, way: Floats) -> Estimate:
    """Money a person: fixed costs by probability, prices by the AIPW score of the outcome they hang on."""
    money = np.zeros(len(way))
    for i, treatment in enumerate(design.treatments):
        due = np.full(len(way), treatment.cost)
        if treatment.price_if is not None:
            due = due + treatment.price * scores.aipw[treatment.price_if][:, i]
        money += way[:, i] * due
    return mean(money, scores.households, "expected cost" if _fixed(design) else "AIPW of cost")


def _fixed(design: Design) -> bool:
    return all(treatment.price_if is None for treatment in design.treatments)


def _compared(scores: Scores, main: Floats, name: str, way: Floats) -> Comparison:
    return Comparison(name, {o: learned_gain(scores, o, main, way) for o in scores.aipw})


def _refusal(campaign: Campaign, scores: Scores, made: Plan) -> Comparison | None:
    if made.options.permitted.all():
        return None
    free = policies.without_refusal(made, campaign)
    return _compared(scores, made.probabilities, "the plan without the refusal", free)
