"""The figures of a report: every chart with a table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suasion.measurement import charts, curves
from suasion.measurement.charts import Row
from suasion.measurement.curves import Point
from suasion.measurement.replay import Comparison
from suasion.measurement.report import Report
from suasion.measurement.units import COUNT, PER, PERCENT, Shown, Unit, change, digits, level, money, price
from suasion.measurement.who import TraitShift
from suasion.stats import Estimate, proportion

MOST_PAIRS = 12
"""Shares of traits that are drawn; the table has all."""
NONE = Shown("–")
SHARES = (proportion(0, 1).method, "share, clustered")

Cell = str | Shown


@dataclass(frozen=True)
class Figure:
    """A table, and a chart of it where there is something to draw.

    The first cell of a row is its heading; `Shown` cells are numbers.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: str = ""


def is_share(report: Report, outcome: str) -> bool:
    """Whether an outcome is a yes or no a person, so that its mean is a share of people."""
    return all(arm.means[outcome].method in SHARES for arm in report.arms)


def values(report: Report, outcome: str) -> Figure:
    """The mean of an outcome under each way to decide."""
    found = {policy.name: policy.values[outcome] for policy in report.replay.policies}
    unit = level(found.values(), share=is_share(report, outcome))
    weighted = [policy.weighted for policy in report.replay.policies]
    main = outcome == report.outcome
    rows = [
        (name, unit.shown(e), *([unit.shown(w) if w else NONE] if main else []))
        for (name, e), w in zip(found.items(), weighted, strict=True)
    ]
    nobody = found["nobody"].value * unit.factor
    lines = [row(name, estimate, unit, strong=name == "plan") for name, estimate in found.items()]
    title = _mean_title(report, outcome)
    return Figure(
        caption=f"{capital(title)}, under each way to decide, with {_level(found.values())} intervals.",
        head=("Way to decide", "Mean (interval)", *(["By weighting alone"] if main else [])),
        rows=tuple(rows),
        chart=charts.intervals(lines, title, f"Chart of '{outcome}' by way to decide.", nobody),
    )


def differences(report: Report, outcome: str) -> Figure:
    """The plan minus every other way, on the same people."""
    found = {c.against: c.differences[outcome] for c in report.replay.comparisons}
    return changes(
        found,
        ("The plan against", f"'{outcome}' per {PER:,} people", "The plan gives"),
        f"The plan minus every other way, on the same people: '{outcome}' per {PER:,} of them.",
        f"'{outcome}' per {PER:,} people, the plan minus the other way",
        share=is_share(report, outcome),
    )


def effects(report: Report) -> Figure:
    """What each treatment changes on average if everybody gets it."""
    control, outcome = report.arms[0].name, report.outcome
    return changes(
        report.replay.effects,
        ("Treatment", f"'{outcome}' per {PER:,} people", f"Against '{control}' it gives"),
        f"Each treatment for everybody, against '{control}': '{outcome}' per {PER:,} people.",
        f"'{outcome}' per {PER:,} people, treatment minus '{control}'",
        share=is_share(report, outcome),
    )


def refusal(report: Report, refused: Comparison) -> Figure:
    """What holding to the refusal of messages costs, by outcome."""
    costs = {outcome: difference.times(-1) for outcome, difference in refused.differences.items()}
    unit = change(costs.values(), share=all(is_share(report, outcome) for outcome in costs))
    return Figure(
        caption=f"The plan without the refusal minus the plan, per {PER:,} people.",
        head=("Outcome", "Cost of the refusal (interval)"),
        rows=tuple((f"'{outcome}'", unit.shown(cost)) for outcome, cost in costs.items()),
    )


def mixes(report: Report) -> Figure:
    """Who gets what under each way to decide, and what it costs a person."""
    policies = report.replay.policies
    unit = price(p.cost.value for p in policies)
    rows = [
        (p.name, *(Shown(_percent(share)) for share in p.shares.values), unit.shown(p.cost)) for p in policies
    ]
    return Figure(
        caption=f"Share of people given each option, and the cost a person in {report.currency}.",
        head=("Way to decide", *policies[0].shares.names, f"Cost a person, {report.currency}"),
        rows=tuple(rows),
    )


def budgets(report: Report) -> Figure:
    """The gain over nobody that other budgets would buy."""
    points = report.replay.budgets
    unit = change(
        [estimate for p in points for estimate in (p.plan, p.by_lot)], share=is_share(report, report.outcome)
    )
    per, money_title = f"'{report.outcome}' per {PER:,} people", f"budget, {report.currency}"
    drawn = [
        Point(series, p.budget, e.low * PER, e.value * PER, e.high * PER)
        for series, pick in (("plan", lambda p: p.plan), ("by lot", lambda p: p.by_lot))
        for p in points
        for e in (pick(p),)
    ]
    here = {report.budget: " (asked for)"}
    price_unit = price(p.marginal.value for p in points if p.marginal is not None)
    return Figure(
        caption=f"Gain over treating nobody, {per}, by budget.",
        head=(capital(money_title), "Plan (interval)", "By lot (interval)", "One more costs (interval)"),
        rows=tuple(
            (
                money(p.budget) + here.get(p.budget, ""),
                unit.shown(p.plan),
                unit.shown(p.by_lot),
                "cannot be told" if p.marginal is None else price_unit.shown(p.marginal),
            )
            for p in points
        ),
        chart=curves.lines(drawn, money_title, f"{per}, gained", "Chart of gain by budget.", report.budget)
        if points
        else "",
    )


def who(report: Report) -> Figure:
    """Traits of those the plan treats, beside everybody it covers."""
    shares = [shift for shift in report.who if shift.share and shift.treated is not None]
    top = set(sorted(shares, key=_distance, reverse=True)[:MOST_PAIRS])
    drawn = [_pair(shift) for shift in shares if shift in top]
    cut = f" The chart has the {MOST_PAIRS} shares that differ most." if len(shares) > MOST_PAIRS else ""
    return Figure(
        caption=f"Those whom the plan treats, beside everybody: share of people (%), or mean.{cut}",
        head=("Trait", "Treated", "Everybody"),
        rows=tuple(_shift(shift) for shift in report.who),
        chart=charts.pairs(drawn, "share of people, %", "Chart of traits: treated beside everybody.")
        if drawn
        else "",
    )


def drawn(report: Report) -> Figure:
    """How many the recorded draw gave each option, beside what the plan asked."""
    plan = report.replay.policies[0].shares
    asked = dict(zip(plan.names, plan.values, strict=True))
    rows = [
        (name, Shown(COUNT.number(count)), Shown(_percent(asked[name])) if name in asked else NONE)
        for name, count in report.drawn.items()
    ]
    return Figure(
        "What the recorded draw gave.", ("Option", "People drawn", "Asked by the plan"), tuple(rows)
    )


def funnel(report: Report) -> Figure:
    """The count of people from the file to the plan."""
    rows = [
        (step.label, Shown(COUNT.number(step.people)), "; ".join(_dropped(step.dropped)) or "nobody")
        for step in report.steps
    ]
    lines = [Row(s.label, COUNT.number(s.people), 0.0, s.people, s.people) for s in report.steps]
    return Figure(
        caption="People at each step, and who fell out there.",
        head=("Step", "People", "Fell out here"),
        rows=tuple(rows),
        chart=charts.bars(lines, "people", "Chart of people counted at each step.") if lines else "",
    )


def arms(report: Report) -> Figure:
    """The arms of the experiment as recorded."""
    outcomes = list(report.category)
    units = {o: level([arm.means[o] for arm in report.arms], share=is_share(report, o)) for o in outcomes}
    rows = [
        (arm.name, Shown(COUNT.number(arm.people)), *(units[o].shown(arm.means[o]) for o in outcomes))
        for arm in report.arms
    ]
    head = ("Arm", "People", *(f"{capital(_mean_title(report, o))}" for o in outcomes))
    return Figure("The arms as recorded: plain means, nothing adjusted.", head, tuple(rows))


def changes(
    found: dict[str, Estimate], head: tuple[str, ...], caption: str, title: str, *, share: bool
) -> Figure:
    """Differences per thousand people, and in words what each interval allows to say."""
    unit = change(found.values(), share=share)
    rows = tuple((name, unit.shown(e), _reading(e)) for name, e in found.items())
    lines = [row(name, e, unit, strong=e.excludes_zero) for name, e in found.items()]
    return Figure(caption, head, rows, charts.intervals(lines, title, f"Chart. {caption}", 0.0))


def row(name: str, estimate: Estimate, unit: Unit, *, strong: bool) -> Row:
    """A row of a chart of intervals."""
    scaled = estimate.times(unit.factor)
    return Row(name, str(unit.shown(estimate)), scaled.low, scaled.value, scaled.high, strong)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _reading(difference: Estimate) -> str:
    if difference.excludes_zero:
        return "more" if difference.value > 0 else "less"
    return "no difference" if difference.low == difference.high else "cannot be told apart"


def _shift(shift: TraitShift) -> tuple[Cell, ...]:
    """A row of the table of traits; numbers get the digits in which the two differ."""
    unit = PERCENT
    if not shift.share:
        unit = Unit(1, digits([_distance(shift)], 1, least=1))
    ends = [
        NONE if v is None else Shown(unit.number(v) + unit.suffix) for v in (shift.treated, shift.everybody)
    ]
    return (shift.trait, *ends)


def _pair(shift: TraitShift) -> Row:
    treated, everybody = 100 * (shift.treated or 0.0), 100 * (shift.everybody or 0.0)
    shown = f"{PERCENT.number(treated / 100)} of treated, {PERCENT.number(everybody / 100)} of all"
    return Row(shift.trait, shown, everybody, treated, max(everybody, treated))


def _distance(shift: TraitShift) -> float:
    return abs((shift.treated or 0.0) - (shift.everybody or 0.0)) if shift.treated is not None else 0.0


def _dropped(dropped: dict[str, int]) -> Iterable[str]:
    return (f"{reason} ({COUNT.number(count)})" for reason, count in dropped.items())


def _mean_title(report: Report, outcome: str) -> str:
    return f"people with '{outcome}', %" if is_share(report, outcome) else f"mean '{outcome}' a person"


def _percent(share: float) -> str:
    return PERCENT.number(share) + PERCENT.suffix


def _level(estimates: Iterable[Estimate]) -> str:
    return f"{100 * next(iter(estimates)).level:.0f}\N{NO-BREAK SPACE}%"
