"""The step that plans a campaign and draws once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from suasion.allocation import Plan, decide, publish_plan
from suasion.ledger import Ledger, Run
from suasion.rules import Clearance, Gate
from suasion.workspace.brief import Brief
from suasion.workspace.live import contact_gate, reach
from suasion.workspace.parts import closed_by_law
from suasion.workspace.planning import Asked, Groups, asked, with_history
from suasion.workspace.scored import among, forecast_of, scores_of, with_objectors
from suasion.workspace.settings import Settings
from suasion.workspace.steps import clear

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PlanSummary:
    """What was planned and drawn.

    Parameters
    ----------
    campaign : str
    people : int
    budget, cost : float
    shadow_price : float
        What one more unit of money would add.
    gap : float
        No plan within these limits is worth more than this one by a larger share.
    prices : tuple of str
        What each limit costs, in words.
    drawn : dict of str to int
        People by option.
    refused : dict of str to tuple of str
        Treatments that rules refuse, with the reasons.
    notes : tuple of str
        What could not be done as asked.
    """

    campaign: str
    people: int
    budget: float
    cost: float
    shadow_price: float
    gap: float
    prices: tuple[str, ...]
    drawn: dict[str, int]
    refused: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


def make_plan(
    run: Run, ledger: Ledger, brief: Brief, settings: Settings, folder: Path, key: bytes
) -> PlanSummary:
    """Plan within the limits, draw once, and publish plan and draw together.

    A replay plans for the people of the experiment; a live campaign for all who can be written to, and
    within what they had before.
    """
    campaign = brief.campaign
    wanted, clearance, gate = _wanted(run, ledger, brief, settings, folder, key)
    made = wanted.plan(campaign, settings.currency)
    if wanted.groups is not None and campaign.limits.parity is not None:
        made = replace(made, notes=(*made.notes, exposure(made, wanted.groups, campaign.limits.parity.of)))
    digest = _digest(brief, made, key)
    decisions = decide(made, digest, key)
    publish_plan(
        run,
        campaign.name,
        made,
        decisions,
        digest,
        campaign.terms,
        f"{run.version(f'forecasts.{campaign.name}')} {campaign.digest}",
        clearance,
        gate,
        brief.facts(run),
        keyed=bool(key),
    )
    run.declare(campaign, brief.gate.occasion.at)
    return PlanSummary(
        campaign=campaign.name,
        people=len(decisions.persons),
        budget=made.budget,
        cost=made.cost,
        shadow_price=made.shadow_price,
        gap=made.gap,
        prices=tuple(price.sentence for price in made.prices),
        drawn=_counted(brief.design.names, decisions.chosen),
        refused={name: tuple(map(str, reasons)) for name, reasons in brief.refused.items()},
        notes=made.notes,
    )


def _wanted(
    run: Run, ledger: Ledger, brief: Brief, settings: Settings, folder: Path, key: bytes
) -> tuple[Asked, Clearance, Gate]:
    if brief.campaign.delivery is None:
        wanted = asked(run, brief, scores_of(run, brief))
        return wanted, clear(run, brief).judgement.clearance, brief.gate
    reached = reach(run, ledger, brief)
    known = among(forecast_of(run, brief), reached.persons)
    wanted = asked(run, brief, with_objectors(known, run, brief, reached.persons))
    bounded = with_history(wanted, run, ledger, brief, settings, folder, key)
    closed, notes = closed_by_law(run, brief, settings, bounded.options.persons, bounded.options.treatments)
    if closed.any():
        before = bounded.options.closed
        closed = closed if before is None else closed | before
        bounded = replace(bounded, options=replace(bounded.options, closed=closed))
    bounded = replace(bounded, notes=(*bounded.notes, *notes))
    return bounded, reached.judgement.clearance, contact_gate(brief, brief.gate.occasion.at)


def exposure(made: Plan, groups: Groups, of: str) -> str:
    """How many of each group are expected to be treated, in words; of groups, never of a person."""
    treated = 1 - made.probabilities[:, 0]
    sizes = np.bincount(groups.of, minlength=len(groups.names))
    rates = np.bincount(groups.of, treated, minlength=len(groups.names)) / np.maximum(sizes, 1)
    told = ", ".join(f"{name} {rate:.1%}" for name, rate in zip(groups.names, rates.tolist(), strict=True))
    return f"Of the groups of {of} are treated: {told}; of all, {treated.mean():.1%}."


def _counted(names: tuple[str, ...], chosen: Ids) -> dict[str, int]:
    return dict(zip(names, np.bincount(chosen, minlength=len(names)).tolist(), strict=True))


def _digest(brief: Brief, made: Plan, key: bytes) -> str:
    """Names a plan: the same people, probabilities, declaration and key are the same plan, drawn once."""
    digest = hashlib.blake2b(brief.campaign.digest.encode(), digest_size=16, key=key)
    digest.update(made.options.persons.tobytes())
    digest.update(np.ascontiguousarray(made.probabilities).tobytes())
    return digest.hexdigest()
