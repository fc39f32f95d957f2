"""Why one person was chosen, or not: what moved the score, and which change would alter the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.ledger import Ledger, Tables
from suasion.profiles import traits_of
from suasion.scores import Features, Model, Scores, explain
from suasion.stats import Estimate
from suasion.workspace.brief import Brief
from suasion.workspace.decided import Decided, decided
from suasion.workspace.drawn import drawn_plan
from suasion.workspace.live import judge
from suasion.workspace.scored import forecast_of, model_of, scores_of
from suasion.workspace.wording import naming, scale

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
MOST = 300
"""So many people of the experiment are compared with."""
SINGLE = 1e-6
"""Stored effects are rounded to single precision."""
UNSCORED = (
    "No score was made of you for this campaign: you are not among those it is meant for, or it may not "
    "learn from your data."
)
UNKNOWN = "We could not tell what a message changes for you: hardly anybody like you was in the experiment."
UNDECIDED = "Nothing was decided yet: there is no plan."
UNPLANNED = "You are not among the people for whom this campaign was planned: it sends you nothing."
UNSEEN = (
    "Your score was made without your own answer; what follows is told by what was learned from everybody."
)
EARLIER = "Your score was made earlier; what follows is told by what has been learned since."
BY_COST = "Where people are treated differently, it is for what reaching them is expected to cost."
METHOD = "combined learners; width by little bags of the causal forest among them"


@dataclass(frozen=True)
class Explained:
    """Why a campaign does to a person what it does.

    Parameters
    ----------
    campaign, outcome : str
    chosen, drawn : str or None
        Treatment that the rule chose, and that was drawn; None where nothing was planned for the person.
    probability : float or None
        Of what was drawn.
    by_lot : bool
        The rule left the person to the draw.
    treatment : str or None
        Whose effect is explained: the one chosen, or that came nearest to it; None where nothing is known.
    effect, average : float or None
        Expected effect for the person as it was decided by, and mean effect of the people compared with.
    interval : Estimate or None
        The explained effect with the width that the causal forest among the learners gives it.
    reasons : tuple of Reason
        What each trait added; none where nobody is ranked.
    change : Change or None
        The nearest one that would alter the decision.
    sentences : tuple of str
        For the person to read.
    """

    campaign: str
    outcome: str
    chosen: str | None = None
    drawn: str | None = None
    probability: float | None = None
    by_lot: bool = False
    treatment: str | None = None
    effect: float | None = None
    average: float | None = None
    interval: Estimate | None = None
    reasons: tuple[explain.Reason, ...] = ()
    change: explain.Change | None = None
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flagged:
    """A model that answers for anybody, and says in one more column of whom it knows nothing."""

    model: Model

    def effects(self, features: Features) -> Floats:
        """Effects, and 1 of whoever is too unlike the people learned from; shape (m, k + 1)."""
        return np.column_stack([self.model.guesses(features), self.model.unlike(features).astype(np.float64)])


def why(tables: Tables, ledger: Ledger, brief: Brief, person: int) -> Explained:
    """Explain what a campaign decided of one person.

    Parameters
    ----------
    tables : Tables
    ledger : Ledger
    brief : Brief
    person : int

    Returns
    -------
    Explained

    Raises
    ------
    OrderError
        There are no scores, or they are older than people, rules or declaration; or the campaign was
        declared anew after it was planned.
    CampaignError
        Nobody of the experiment is permitted to compare with.
    """
    ahead, name, outcome = forecast_of(tables, brief), brief.campaign.name, brief.campaign.outcome
    rows = np.flatnonzero(ahead.persons == person)
    if not len(rows):
        return Explained(name, outcome, sentences=(UNSCORED,))
    planned = f"plans.{name}" in tables.versions
    found = decided(drawn_plan(tables, ledger, brief), person, brief.campaign) if planned else None
    effects = ahead.effects[rows[0]] if found is None else found.effects
    known = not np.isnan(effects).any()
    said = found.sentences if found else (UNPLANNED if planned else UNDECIDED,)
    made = Explained(
        campaign=name,
        outcome=outcome,
        chosen=found and found.names[found.chosen],
        drawn=found and found.names[found.drawn],
        probability=found and found.probability,
        by_lot=found is not None and found.by_lot,
        sentences=said if known else (UNKNOWN, *said[1:]),
    )
    return _explained(tables, brief, person, made, effects, found) if known else made


def _explained(
    tables: Tables, brief: Brief, person: int, made: Explained, effects: Floats, found: Decided | None
) -> Explained:
    """With what moved the score, and what would alter the decision."""
    scores, model = scores_of(tables, brief), model_of(tables, brief)
    own, others = _coded(tables, brief, model, scores, person)
    gap = effects - model.guesses(own)[0]
    which = _subject(brief, model, effects, found)
    ranked, name = model.rankings[which].ranks, brief.design.names[which + 1]
    interval = _interval(model, own, which, scores) if ranked else None
    traits = zip(model.coding.names, model.coding.levels, strict=True)
    told = explain.explain(
        Flagged(model),
        others,
        own.matrix[0],
        [naming(brief.catalogue[trait], levels) for trait, levels in traits],
        treatment=which,
        rule=None if found is None or found.by_lot else _same(found, gap),
        interval=None if interval is None else (interval.low, interval.high),
        ranked=ranked,
        scale=scale(name, brief.campaign.outcome, scores.observed[brief.campaign.outcome]),
    )
    said: list[str] = []
    if told.reasons and (np.abs(gap) > SINGLE * np.abs(effects)).any():
        said.append(UNSEEN if person in scores.persons else EARLIER)
    if found is not None and found.chosen not in {0, which + 1}:
        said.append(f"Of '{found.names[found.chosen]}' it cannot be told for whom it does more.")
    said += told.sentences
    if not told.reasons and brief.design.treatments[which + 1].price_if is not None:
        said.append(BY_COST)
    return replace(
        made,
        treatment=name,
        effect=float(effects[which]),
        average=told.average,
        interval=interval,
        reasons=told.reasons,
        change=told.change,
        sentences=(*made.sentences, *said),
    )


def _coded(
    tables: Tables, brief: Brief, model: Model, scores: Scores, person: int
) -> tuple[Features, Features]:
    """The person, and people of the experiment to compare with whom the rules permit to learn from now."""
    others = np.setdiff1d(scores.persons, [person])
    some = np.random.default_rng(0).choice(others, min(MOST, len(others)), replace=False)
    permitted = judge(tables, brief, brief.gate, some).clearance.persons
    known = traits_of(tables, brief.catalogue, brief.gate.occasion)

    def coded(persons: Ids) -> Features:
        return model.coding.encode(known.filter(pc.is_in(known["person"], value_set=pa.array(persons))))

    return coded(np.array([person])), coded(permitted)


def _subject(brief: Brief, model: Model, effects: Floats, found: Decided | None) -> int:
    """The treatment to explain: the one chosen, else the nearest to it, among those that rank people."""
    permitted = [a for a, name in enumerate(brief.design.names[1:]) if name not in brief.refused]
    options = permitted or list(range(len(effects)))
    options = [a for a in options if model.rankings[a].ranks] or options
    if found is not None and found.chosen - 1 in options:
        return found.chosen - 1
    worth = effects if found is None else found.values - found.prices
    return max(options, key=lambda a: worth[a])


def _same(found: Decided, gap: Floats) -> explain.Rule:
    """The rule whether the decision stays what it is; what is too unlike the experiment alters nothing."""
    return lambda asked: (asked[:, -1] > 0) | (found.choose(asked[:, :-1] + gap) == found.chosen)


def _interval(model: Model, own: Features, which: int, scores: Scores) -> Estimate | None:
    halves = model.half_widths(own)
    if halves is None or not np.isfinite(halves[0, which]):
        return None
    effect, half = float(model.guesses(own)[0, which]), float(halves[0, which])
    n = len(scores.persons) if scores.households is None else len(np.unique(scores.households))
    return Estimate(effect, effect - half, effect + half, n, METHOD)
