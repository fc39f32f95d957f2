"""The figures of whom a treatment helps: its ranking, predictions beside what was seen, and who gains."""

from __future__ import annotations

from dataclasses import dataclass

from suasion.measurement import charts, curves, rankings
from suasion.measurement.curves import Bar, point
from suasion.measurement.evaluation import Helped
from suasion.measurement.figures import NONE, Figure, is_share, row
from suasion.measurement.histogram import Cell
from suasion.measurement.report import Report
from suasion.measurement.units import COUNT, PER, Shown, change

MOST_ROWS = 12
"""Groups that are drawn, about; the table has all."""


@dataclass(frozen=True)
class Section:
    """All that the page shows of one treatment."""

    treatment: str
    verdict: str
    tests: Figure
    ranked: tuple[tuple[Figure, Figure], ...]
    calibration: Figure
    effects: Figure
    groups: Figure


def sections(report: Report) -> tuple[Section, ...]:
    """One a treatment."""
    return tuple(
        Section(
            treatment=helped.treatment,
            verdict=rankings.verdict(helped),
            tests=rankings.tests(helped),
            ranked=tuple(
                (rankings.gains(report, helped, r), rankings.curve(report, helped, r)) for r in helped.ranked
            ),
            calibration=calibration(report, helped),
            effects=effects(report, helped),
            groups=groups(report, helped),
        )
        for helped in report.evaluation.treatments
    )


def calibration(report: Report, helped: Helped) -> Figure:
    """What was predicted, and what was seen."""
    told = [(part.predicted, part.observed, part.n) for part in helped.calibration if part.observed]
    unit = change([seen for _, seen, _ in told], share=is_share(report, report.outcome))
    points = [point("", said * PER, seen.times(PER)) for said, seen, _ in told]
    per = _per(report, helped)
    slope = helped.ranking.slope
    return Figure(
        caption=f"'{helped.treatment}': predicted and seen gain, {per}.",
        head=("Predicted", "Seen (interval)", "People"),
        rows=tuple((unit.number(said), unit.shown(seen), Shown(COUNT.number(n))) for said, seen, n in told),
        chart=curves.agreement(
            points,
            None if slope is None else slope.value,
            f"predicted: {per}",
            f"seen: {per}",
            f"Calibration of '{helped.treatment}'.",
        )
        if len(points) > 1
        else "",
    )


def effects(report: Report, helped: Helped) -> Figure:
    """People by predicted effect."""
    per = _per(report, helped)
    return Figure(
        caption=f"'{helped.treatment}': people by predicted effect, {per}.",
        head=("Predicted effect", "People"),
        rows=tuple(
            (_span(cell), NONE if cell.people is None else Shown(COUNT.number(cell.people)))
            for cell in helped.effects
        ),
        chart=_columns(helped, f"predicted effect: {per}") if len(helped.effects) > 1 else "",
    )


def groups(report: Report, helped: Helped) -> Figure:
    """Who gains, trait by trait."""
    told = {f"{gain.trait}: {gain.group}": gain for gain in helped.groups}
    unit = change([gain.gain for gain in told.values()], share=is_share(report, report.outcome))
    per = _per(report, helped)
    whole = _whole([gain.trait for gain in told.values()])
    lines = [row(name, gain.gain, unit, strong=gain.gain.excludes_zero) for name, gain in told.items()][
        :whole
    ]
    cut = f" The chart has the first {whole}." if len(told) > whole else ""
    return Figure(
        caption=f"'{helped.treatment}': gain by trait, {per}.{cut}",
        head=("People", "Gain (interval)", "How many"),
        rows=tuple(
            (name, unit.shown(gain.gain), Shown(COUNT.number(gain.people))) for name, gain in told.items()
        ),
        chart=charts.intervals(
            lines, per, f"Gain of '{helped.treatment}' by trait.", helped.ranked[0].average.value * PER
        )
        if lines
        else "",
    )


def _whole(traits: list[str]) -> int:
    """How many rows to draw, so that no trait is cut apart; the first trait at least."""
    ends = [i for i in range(1, len(traits) + 1) if i == len(traits) or traits[i] != traits[i - 1]]
    return max((end for end in ends if end <= MOST_ROWS), default=min(ends, default=0))


def _columns(helped: Helped, title: str) -> str:
    cells = helped.effects
    step = next(c.high - c.low for c in cells if c.low is not None and c.high is not None)
    bars = [
        Bar(
            PER * (cell.high - step if cell.low is None and cell.high is not None else cell.low or 0.0),
            PER * (cell.low + step if cell.high is None and cell.low is not None else cell.high or 0.0),
            cell.people,
        )
        for cell in cells
        if cell.people is not None
    ]
    average = helped.ranked[0].average.value * PER
    return curves.columns(bars, average, title, "people", f"Predicted effects of '{helped.treatment}'.")


def _span(cell: Cell) -> str:
    low, high = (None if end is None else f"{end * PER:,.10g}" for end in (cell.low, cell.high))
    if low is None:
        return "the same for all" if high is None else f"below {high}"
    return f"{low} or more" if high is None else f"{low} to {high}"


def _per(report: Report, helped: Helped) -> str:
    return f"{rankings.what(report, helped.ranked[0])} per {PER:,} people"
