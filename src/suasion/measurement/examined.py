"""The section of what was tested: arms as they were filled, effects, groups, looks and guardrails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from suasion.measurement import charts, curves
from suasion.measurement.analysis import Analysis, Ratio, Tested, Watched, words
from suasion.measurement.canvas import cut
from suasion.measurement.curves import point
from suasion.measurement.figures import NONE, Cell, Figure, capital, is_share, row
from suasion.measurement.report import Report
from suasion.measurement.units import COUNT, PER, Shown, Unit, change, digits
from suasion.stats import Estimate

MOST_ROWS = 12
"""Groups that are drawn; the table has all."""
MOST_LETTERS, LEAST_LETTERS = 32, 12
"""Of a trait and its group in the label of a chart; of the trait at least."""
LOOKS = {
    "fixed": "It is judged once, at the end",
    "sequence": "One may look whenever one likes: the intervals hold at all looks at once",
    "group_sequential": "It is judged at several looks, each of which spends a part of what may go wrong",
}
STATES = {"fine": "kept", "harm": "harm shown", "unknown": "not yet known"}


@dataclass(frozen=True)
class Section:
    """All that the page shows of an analysis."""

    intro: tuple[str, ...]
    ratio: Figure | None
    effects: Figure | None
    also: Figure | None
    groups: tuple[Figure, ...]
    course: Figure | None
    guardrails: Figure | None


def section(report: Report, made: Analysis) -> Section:
    """Draw an analysis."""
    treatments = dict.fromkeys(found.treatment for found in made.groups)
    return Section(
        intro=_intro(made),
        ratio=ratio(made.ratio) if made.ratio else None,
        effects=effects(report, made) if made.effects else None,
        also=also(made) if made.also else None,
        groups=tuple(groups(report, made, treatment) for treatment in treatments),
        course=course(report, made) if made.course and made.course.latest else None,
        guardrails=guardrails(made.guardrails) if made.guardrails else None,
    )


def _intro(made: Analysis) -> tuple[str, ...]:
    """Whether it was registered, and how it is judged."""
    if made.registered_at:
        said = (
            f"Registered in the log at {_when(made.registered_at)}, before the first send, with the digest "
            f"{made.digest}. “Planned” was said there, “added” came later."
        )
    elif made.live:
        said = "What would be tested is not in the log: nothing here was registered before the first send."
    else:
        said = "This experiment was over before it was read: nothing here was registered beforehand."
    return (
        said,
        f"{LOOKS[made.looks]}. People count by what they were drawn for, whether or not anything reached "
        "them. P-values count how many tests were made; in brackets they stand alone. A treatment is told "
        f"from nothing where the first is at most {made.alpha:.10g}.",
    )


def ratio(found: Ratio) -> Figure:
    """Arms as they were filled, beside the chances of the draw."""
    rows = zip(found.names, found.counts, found.expected, strict=True)
    torn = f" {found.left_out:,} households with people in two arms are left out." if found.left_out else ""
    return Figure(
        caption=f"{capital(found.unit)} with a known outcome in each arm, and how many were to be drawn: "
        f"chance does as much in {_often(found.p_value)} of experiments.{torn}",
        head=("Arm", "Counted", "To be drawn"),
        rows=tuple((name, Shown(COUNT.number(n)), Shown(COUNT.number(want))) for name, n, want in rows),
    )


def effects(report: Report, made: Analysis) -> Figure:
    """The effect of each treatment on the campaign's outcome."""
    per = f"'{report.outcome}' per {PER:,} people"
    unit = _unit(report, made.effects)
    return Figure(
        caption=f"Each treatment against '{report.arms[0].name}': {per}.",
        head=("Treatment", capital(per), "Relative", "p (alone)", "Log"),
        rows=tuple(_cells(found.treatment, found, unit) for found in made.effects),
        chart=_forest([(found.treatment, found) for found in made.effects], unit, made.alpha, per, "effects"),
    )


def also(made: Analysis) -> Figure:
    """The effects on other outcomes."""
    rows: list[tuple[Cell, ...]] = []
    for found in made.also:
        name = f"'{found.outcome}' by '{found.treatment}'"
        rows.append(_cells(name, found, change([found.effect] if found.effect else [], share=False)))
    return Figure(
        caption=f"Other outcomes, per {PER:,} people.",
        head=("Outcome", f"Per {PER:,} people", "Relative", "p (alone)", "Log"),
        rows=tuple(rows),
    )


def groups(report: Report, made: Analysis, treatment: str) -> Figure:
    """The effects of a treatment in groups."""
    mine = [one for one in made.groups if one.treatment == treatment]
    unit, per = _unit(report, mine), f"'{report.outcome}' per {PER:,} people"
    more = f" The chart has the first {MOST_ROWS}." if len(mine) > MOST_ROWS else ""
    average = next((one.effect for one in made.effects if one.treatment == treatment), None)
    return Figure(
        caption=f"'{treatment}' in groups: {per}.{more}",
        head=("Group", capital(per), "p (alone)", "People", "Log"),
        rows=tuple(
            (
                f"{one.trait}: {one.group}",
                _effect(one, unit),
                _p_values(one),
                Shown(COUNT.number(one.people)),
                one.status,
            )
            for one in mine
        ),
        chart=_forest(
            [(_group(one), one) for one in mine[:MOST_ROWS]],
            unit,
            made.alpha,
            per,
            f"'{treatment}' in groups",
            average,
        ),
    )


def course(report: Report, made: Analysis) -> Figure:
    """The effect of the plan as answers came in."""
    looks = made.course.looks if made.course else ()
    told = [(look, look.effect) for look in looks if look.effect]
    unit, per = _unit_of(report, [found for _, found in told]), f"'{report.outcome}' per {PER:,} people"
    points = [point("the campaign", look.people, found.times(PER)) for look, found in told]
    return Figure(
        caption=f"What the campaign changed, as answers came in: {per}.",
        head=("Recorded", "People who have answered", capital(per)),
        rows=tuple(
            (
                _when(look.at),
                Shown(COUNT.number(look.people)),
                unit.shown(look.effect) if look.effect else NONE,
            )
            for look in looks
        ),
        chart=curves.lines(
            points,
            "people who have answered",
            per,
            "Chart of the effect as answers came in.",
            made.planned_end,
        ),
    )


def guardrails(rails: Sequence[Watched]) -> Figure:
    """What must not get worse."""
    return Figure(
        caption=f"Guardrails: replies per {PER:,} messages, outcomes made worse per {PER:,} people.",
        head=("What is watched", "State", "Number (interval)", "At most", "Log"),
        rows=tuple(_rail(rail) for rail in rails),
    )


def _rail(rail: Watched) -> tuple[Cell, ...]:
    whose = f" by '{rail.treatment}'" if rail.treatment else ""
    number = NONE
    if rail.estimate is not None:
        shown = change([rail.estimate], share=rail.of_sends).shown(rail.estimate)
        number = Shown(shown.value.removeprefix("+"), shown.interval)
    limit = Shown(f"{rail.most * PER:,.10g}")
    return (f"{capital(words(rail))}{whose}", STATES[rail.state], number, limit, rail.status)


def _group(found: Tested) -> str:
    """Trait and group for a chart: a long trait is cut, not the group."""
    return f"{cut(found.trait, max(MOST_LETTERS - len(found.group), LEAST_LETTERS))}: {found.group}"


def _cells(name: str, found: Tested, unit: Unit) -> tuple[Cell, ...]:
    more = NONE
    if found.relative:
        width = found.relative.high - found.relative.low
        more = Unit(100, digits([width], 100, least=0), " %", signed=True).shown(found.relative)
    return (name, _effect(found, unit), more, _p_values(found), found.status)


def _effect(found: Tested, unit: Unit) -> Shown:
    return unit.shown(found.effect) if found.effect else NONE


def _when(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC" if at else "not noted"


def _p_values(found: Tested) -> Shown:
    if found.p_value is None or found.adjusted is None:
        return NONE
    return Shown(_p_value(found.adjusted), _p_value(found.p_value))


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _often(p: float) -> str:
    return "less than 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"


def _forest(
    named: Sequence[tuple[str, Tested]],
    unit: Unit,
    alpha: float,
    title: str,
    what: str,
    average: Estimate | None = None,
) -> str:
    """Intervals, filled where a test that counts the others tells the effect from zero."""
    lines = [
        row(name, one.effect, unit, strong=one.adjusted is not None and one.adjusted <= alpha)
        for name, one in named
        if one.effect is not None
    ]
    middle = 0.0 if average is None else average.value * PER
    return charts.intervals(lines, title, f"Chart of {what}.", middle) if lines else ""


def _unit(report: Report, rows: Sequence[Tested]) -> Unit:
    return _unit_of(report, [found.effect for found in rows if found.effect])


def _unit_of(report: Report, found: Sequence[Estimate]) -> Unit:
    return change(found, share=is_share(report, report.outcome))
