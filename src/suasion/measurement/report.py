"""A reproducible account of a plan: what it would change, how sure that is, and on what grounds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from suasion.allocation import Plan
from suasion.experiments import Assignment, Design
from suasion.ingest import Source
from suasion.ledger import Campaign
from suasion.measurement.analysis import Analysis, alarms, findings
from suasion.measurement.evaluation import Evaluation, evaluate
from suasion.measurement.lift import Lift
from suasion.measurement.replay import Replay
from suasion.measurement.sentences import sentences
from suasion.measurement.spending import Spending
from suasion.measurement.who import TraitShift, shifts
from suasion.profiles import Trait
from suasion.rules import Reason
from suasion.scores import Scores
from suasion.segments import Segment
from suasion.stats import Estimate, mean, proportion


@dataclass(frozen=True)
class ArmSummary:
    """One arm of the experiment as recorded: persons, and the plain mean of each outcome."""

    name: str
    people: int
    means: dict[str, Estimate]


@dataclass(frozen=True)
class Ground:
    """On what a source's rows may be used."""

    source: str
    licence: str
    basis: str
    purposes: tuple[str, ...]
    territory: str
    observed_on: str
    attested: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """A line of the count of people, from the file to the plan; `dropped` says who fell out there and why."""

    label: str
    people: int
    dropped: dict[str, int]


@dataclass(frozen=True)
class Delivered:
    """What became of the messages of a campaign.

    Parameters
    ----------
    sent : int
        Handed over to a carrier; of these were
    accepted, failed, unknown : int
        taken by the carrier; refused by it; handed over without an answer, and not sent again.
    opted_out, bounced, complained : int
        What came back.
    first_sent, last_sent : str
        When the first and the last were handed over, ISO 8601; empty where nothing was sent.
    """

    sent: int
    accepted: int
    failed: int
    unknown: int
    opted_out: int
    bounced: int
    complained: int
    first_sent: str
    last_sent: str


@dataclass(frozen=True)
class Report:
    """All that the page shows and the JSON holds.

    Parameters
    ----------
    campaign, sponsor, purpose, segment, outcome, currency : str
    category : dict of str to str
        Category of each outcome, as declared.
    at : str
        When the report was made, ISO 8601.
    sentences : tuple of str
        The result in words, the most important first.
    budget, cost, shadow_price : float
        Asked for; expected; extra outcomes for one more unit of money.
    holdout, exploration : float
    steps : tuple of Step
    grounds : tuple of Ground
    arms : tuple of ArmSummary
    replay : Replay
    evaluation : Evaluation
        How well effects were learned, and whom each treatment helps.
    who : tuple of TraitShift
    refused : dict of str to tuple of str
        Messages that review or rules refused, with reasons.
    drawn : dict of str to int
        How many the recorded draw gave each option.
    notes, caveats : tuple of str
        What the plan could not do; what the reader must know about the estimates.
    inputs : str
        Versions of the tables it was made from, and digest of the rules.
    lift : Lift or None
        What the sent plan changed; None where nothing was sent or no answer is known.
    delivery : Delivered or None
        What became of its messages; None where nothing was sent.
    analysis : Analysis or None
        What was tested of the campaign, or of the experiment it learned from; None where nobody drew.
    spent : Spending or None
        What it cost and what came back; None where nothing was sent.
    prices : tuple of str
        What each limit of the plan costs, in words.
    gap : float
        No plan within the limits is worth more by a larger share.
    """

    campaign: str
    sponsor: str
    purpose: str
    segment: str
    outcome: str
    currency: str
    category: dict[str, str]
    at: str
    sentences: tuple[str, ...]
    budget: float
    cost: float
    shadow_price: float
    holdout: float
    exploration: float
    steps: tuple[Step, ...]
    grounds: tuple[Ground, ...]
    arms: tuple[ArmSummary, ...]
    replay: Replay
    evaluation: Evaluation
    who: tuple[TraitShift, ...]
    refused: dict[str, tuple[str, ...]]
    drawn: dict[str, int]
    notes: tuple[str, ...]
    caveats: tuple[str, ...]
    inputs: str
    lift: Lift | None = None
    delivery: Delivered | None = None
    analysis: Analysis | None = None
    spent: Spending | None = None
    prices: tuple[str, ...] = ()
    gap: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON: everything the page shows."""
        return asdict(self)


def report(
    campaign: Campaign,
    design: Design,
    segment: Segment,
    source: Source,
    steps: Sequence[Step],
    scores: Scores,
    made: Plan,
    judged: Replay,
    features: pa.Table,
    catalogue: Mapping[str, Trait],
    refused: Mapping[str, Sequence[Reason]],
    drawn: Mapping[str, int],
    currency: str,
    inputs: str,
    at: datetime,
    lift: Lift | None = None,
    delivery: Delivered | None = None,
    trial: pa.Table | None = None,
    money: Collection[str] = (),
    analysis: Analysis | None = None,
    spent: Spending | None = None,
) -> Report:
    """Write the report of a plan.

    Parameters
    ----------
    campaign : Campaign
    design : Design
    segment : Segment
    source : Source
        The experiment's.
    steps : sequence of Step
        The count of people.
    scores : Scores
    made : Plan
    judged : Replay
    features : pyarrow.Table
        Traits of the persons of the plan, in its order.
    catalogue : mapping of str to Trait
    refused : mapping of message to reasons
    drawn : mapping of option to count
    currency, inputs : str
    at : datetime
    lift : Lift, optional
    delivery : Delivered, optional
    trial : pyarrow.Table, optional
        Traits of the persons of the experiment, in the order of the scores; needed where the plan is for
        others.
    money : collection of str
        Outcomes that are in the currency of the report.
    analysis : Analysis, optional
    spent : Spending, optional

    Returns
    -------
    Report
    """
    said = sentences(campaign, design, made, judged, scores.findings, currency, lift)
    if analysis is not None:
        said = (*alarms(analysis, campaign.name), *said, *findings(analysis))
    if spent is not None:
        said = (*said, spent.sentence)
    return Report(
        campaign=campaign.name,
        sponsor=campaign.sponsor,
        purpose=str(campaign.purpose),
        segment=f"{segment.label} ({segment.expression.text})",
        outcome=campaign.outcome,
        currency=currency,
        category={name: source.outcomes[name].category for name in scores.observed},
        at=at.isoformat(timespec="seconds"),
        sentences=said,
        budget=made.budget,
        cost=made.cost,
        shadow_price=made.shadow_price,
        holdout=campaign.holdout,
        exploration=campaign.exploration,
        steps=tuple(steps),
        grounds=(_ground(source),),
        arms=tuple(_arm(scores, i, name) for i, name in enumerate(design.names)),
        replay=judged,
        evaluation=evaluate(
            design, scores, campaign.outcome, _tried(scores, made, features, trial), catalogue, money
        ),
        who=shifts(features, 1 - made.probabilities[:, 0], catalogue),
        refused={name: tuple(str(reason) for reason in reasons) for name, reasons in refused.items()},
        drawn=dict(drawn),
        notes=made.notes,
        caveats=_caveats(design, scores),
        inputs=inputs,
        lift=lift,
        delivery=delivery,
        analysis=analysis,
        spent=spent,
        prices=tuple(price.sentence for price in made.prices),
        gap=made.gap,
    )


def _tried(scores: Scores, made: Plan, features: pa.Table, trial: pa.Table | None) -> pa.Table | None:
    """Traits of the persons of the experiment, if they are known."""
    same = np.array_equal(made.options.persons, scores.persons)
    return features if trial is None and same else trial


def _arm(scores: Scores, index: int, name: str) -> ArmSummary:
    got = scores.arms == index
    n, households = int(got.sum()), None if scores.households is None else scores.households[got]
    means: dict[str, Estimate] = {}
    for outcome, values in scores.observed.items():
        share = bool(np.isin(values, (0.0, 1.0)).all())
        means[outcome] = (
            proportion(int(values[got].sum()), n)
            if share and households is None
            else mean(values[got], households, "share" if share else "mean")
        )
    return ArmSummary(name, n, means)


def _ground(source: Source) -> Ground:
    attested = tuple(f"{a.fact} = {a.value}: {a.who}, because {a.why}" for a in source.attest)
    return Ground(
        source=source.name,
        licence=source.licence,
        basis=str(source.basis),
        purposes=tuple(map(str, source.purposes)),
        territory=source.territory,
        observed_on=source.observed_on.isoformat(),
        attested=attested,
    )


def _caveats(design: Design, scores: Scores) -> tuple[str, ...]:
    said: list[str] = []
    if scores.households is None:
        said.append(
            "No household is known: intervals treat persons as independent. Where letters or offers went to "
            "households, the true intervals are wider."
        )
    if design.assignment is Assignment.OBSERVED:
        said.append(
            "Treatments were not given by chance. Effects are only as good as the assumption that the traits "
            "explain who was treated; probabilities were estimated and kept at 1 % or more."
        )
    if design.assignment is Assignment.RANDOMIZED:
        said.append("Treatments were given by chance with shares taken from the data.")
    said += [f"{warning[:1].upper()}{warning[1:]}" for warning in scores.findings.warnings]
    said.append("Each person is judged by models fitted on other people (5 folds); intervals are 95 %.")
    return tuple(said)
