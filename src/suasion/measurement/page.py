"""The report as one self-contained HTML page."""

from __future__ import annotations

from suasion.measurement import came_back, examined, figures, helped, rankings, sent
from suasion.measurement.figures import Figure
from suasion.measurement.pages import written
from suasion.measurement.report import Report


def page(report: Report) -> str:
    """Write a report for people: charts, the same numbers as tables, and the grounds.

    The page stands alone: no script, no font, style or picture from elsewhere. All text is escaped, in
    charts as well.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        HTML.
    """
    refused, lift, delivery = report.replay.refusal, report.lift, report.delivery
    return written(
        "page.html",
        report=report,
        people=sum(report.drawn.values()) or report.replay.people,
        outcomes=[_outcome(report, outcome) for outcome in _ordered(report)],
        effects=figures.effects(report),
        mixes=figures.mixes(report),
        budgets=figures.budgets(report),
        who=figures.who(report),
        helped=helped.sections(report),
        learners=rankings.learners(report),
        extremes=rankings.extremes(report),
        drawn=figures.drawn(report),
        funnel=figures.funnel(report),
        arms=figures.arms(report),
        refusal=figures.refusal(report, refused) if refused else None,
        promised=sent.promised(report, lift) if lift else None,
        paid=sent.paid(report, lift) if lift else None,
        naive=sent.naive(report, lift) if lift else None,
        delivered=sent.delivered(delivery) if delivery else None,
        tested=examined.section(report, report.analysis) if report.analysis else None,
        costs=_costs(report),
        returned=_returned(report),
        methods=_methods(report),
    )


def _costs(report: Report) -> Figure | None:
    """What was spent, where anything was sent."""
    if report.spent is None:
        return None
    return Figure(
        "What was spent, by treatment and channel.", *came_back.cost_rows(report.spent, report.currency)
    )


def _returned(report: Report) -> Figure | None:
    """What came back for it, where that was measured."""
    if report.spent is None or not report.spent.returns:
        return None
    return Figure("What came back for it.", *came_back.return_rows(report.spent, report.currency))


def _ordered(report: Report) -> list[str]:
    """The outcomes, the campaign's first."""
    return sorted(report.category, key=lambda outcome: outcome != report.outcome)


def _outcome(report: Report, outcome: str) -> dict[str, str | Figure]:
    return {
        "name": outcome,
        "values": figures.values(report, outcome),
        "differences": figures.differences(report, outcome),
    }


def _methods(report: Report) -> list[str]:
    """How the estimates were made, each named once."""
    policies, replay = report.replay.policies, report.replay
    made = [
        estimate
        for policy in policies
        for estimate in (policy.weighted, policy.cost, *policy.values.values())
    ]
    paired = [estimate for other in replay.comparisons for estimate in other.differences.values()]
    plain = [estimate for arm in report.arms for estimate in arm.means.values()]
    measured = [report.lift.effect] if report.lift else []
    tests = (report.analysis.effects, report.analysis.also, report.analysis.groups) if report.analysis else ()
    tested = [found.effect for rows in tests for found in rows]
    return sorted({estimate.method for estimate in (*made, *paired, *plain, *measured, *tested) if estimate})
