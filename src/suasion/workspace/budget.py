"""The budget planner: what other budgets would buy of a campaign, and where to stop."""

from __future__ import annotations

from suasion.ledger import Ledger, Tables
from suasion.measurement import budgets
from suasion.workspace.brief import Brief
from suasion.workspace.live import reach
from suasion.workspace.planning import asked
from suasion.workspace.scored import among, forecast_of, scores_of
from suasion.workspace.settings import Settings


def budget(tables: Tables, ledger: Ledger, brief: Brief, settings: Settings) -> budgets.Advice:
    """Judge budgets on the people of the experiment, told for the people of the campaign.

    Raises
    ------
    OrderError
        There are no scores, or they are older than people, rules or declaration.
    """
    campaign, fitted = brief.campaign, scores_of(tables, brief)
    judged = people = len(fitted.persons)
    if campaign.delivery is not None:
        reached = reach(tables, ledger, brief).persons
        people = len(among(forecast_of(tables, brief), reached).persons)
    share = judged / max(people, 1)
    made = asked(tables, brief, fitted, share).plan(campaign, settings.currency, campaign.budget * share)
    gains = fitted.aipw[campaign.outcome]
    average = (gains[:, 1:] - gains[:, :1]).mean(axis=0)
    return budgets.advise(campaign, budgets.budget_points(campaign, fitted, made, average), judged, people)
