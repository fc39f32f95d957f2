"""The figures of a ranking: its tests, what it gains, and the learners behind it."""

from __future__ import annotations

from suasion.measurement import curves
from suasion.measurement.curves import Point, point
from suasion.measurement.evaluation import Helped, Ranked
from suasion.measurement.figures import NONE, Figure, capital, is_share
from suasion.measurement.report import Report
from suasion.measurement.units import PER, Shown, Unit, change, digits, number
from suasion.measurement.who import LEAST
from suasion.stats import Estimate

LEARNERS = {
    "T": "one model for each arm (T)",
    "S": "one model for all arms (S)",
    "X": "crossed arms (X)",
    "DR": "gains on traits (DR)",
    "R": "what is left on what was drawn (R)",
    "linear": "straight lines",
    "response": "grows with the usual response",
    "forest": "causal forest",
}


def verdict(helped: Helped) -> str:
    """Whether a treatment's effects rank people, in words."""
    found = helped.ranking
    if found.ranks:
        return f"The effects of '{helped.treatment}' rank people: {found.reason}."
    return (
        f"The effects of '{helped.treatment}' do not rank people: {found.reason}. "
        "In the plan everybody counts with the average effect."
    )


def tests(helped: Helped) -> Figure:
    """The tests of whether there is anything to rank."""
    found = helped.ranking
    p = NONE if found.slope is None else Shown("< 0.001" if found.p_value < 0.001 else f"{found.p_value:.2g}")
    slope = NONE if found.slope is None else _unit(found.slope).shown(found.slope)
    return Figure(
        caption=f"'{helped.treatment}': the tests of whether there is anything to rank.",
        head=("Test", "Number (interval)", "What it says"),
        rows=(
            (
                "p: the weaker of both tests",
                p,
                "how often chance alone would do as well; above 0.05 nobody is ranked",
            ),
            (
                "Slope of gains on predictions",
                slope,
                "1: predictions are right in size; 0: they say nothing",
            ),
        ),
    )


def gains(report: Report, helped: Helped, ranked: Ranked) -> Figure:
    """What the ranking gains, in numbers."""
    everything = [
        ranked.average,
        ranked.qini,
        ranked.auuc,
        ranked.over_propensity,
        *(t.gain for t in ranked.top),
    ]
    unit = change(everything, share=is_share(report, ranked.outcome))
    top = [
        (
            f"{PER:,} of the {_percent(t.share)} said to gain most",
            unit.shown(t.gain),
            _beats(t.gain, "nothing"),
        )
        for t in ranked.top
    ]
    return Figure(
        caption=f"'{helped.treatment}': gain in {what(report, ranked)}, and what choosing by effect adds.",
        head=("What", f"{capital(what(report, ranked))} (interval)", "Reading"),
        rows=(
            (
                f"{PER:,} people, whoever they are",
                unit.shown(ranked.average),
                _beats(ranked.average, "nothing"),
            ),
            *top,
            ("Qini: over a random order", unit.shown(ranked.qini), _beats(ranked.qini, "a random order")),
            (
                "Qini minus that of ranking by propensity",
                unit.shown(ranked.over_propensity),
                _beats(ranked.over_propensity, "ranking by propensity"),
            ),
            ("AUUC: all under the curve", unit.shown(ranked.auuc), _beats(ranked.auuc, "nothing")),
        ),
    )


def curve(report: Report, helped: Helped, ranked: Ranked) -> Figure:
    """The Qini curve: what treating the top share gains."""
    everybody = ranked.curve[-1].gain
    unit = change(
        [at.gain for at in (*ranked.curve, *ranked.by_propensity)], share=is_share(report, ranked.outcome)
    )
    series = {
        "by effect": [(at.share, at.gain) for at in ranked.curve],
        "by propensity": [(at.share, at.gain) for at in ranked.by_propensity],
        "in random order": [(at.share, everybody.times(at.share)) for at in ranked.curve],
    }
    origin = [Point(name, 0.0, 0.0, 0.0, 0.0) for name in series]
    drawn = [
        point(name, 100 * share, gain.times(PER)) for name, told in series.items() for share, gain in told
    ]
    per = f"{what(report, ranked)} per {PER:,} people of all"
    return Figure(
        caption=f"'{helped.treatment}': gain in {per}, by how many are treated.",
        head=("Treated", "By effect (interval)", "By propensity (interval)", "In random order"),
        rows=tuple(
            (
                _percent(ours.share),
                unit.shown(ours.gain),
                unit.shown(usual.gain),
                Shown(unit.shown(lot[1]).value),
            )
            for ours, usual, lot in zip(
                ranked.curve, ranked.by_propensity, series["in random order"], strict=True
            )
        ),
        chart=curves.lines(
            [*origin, *drawn], "people treated, %", per, f"Qini curve of '{helped.treatment}'."
        ),
    )


def learners(report: Report) -> Figure:
    """How well each learner did, and how much it counts."""
    share = is_share(report, report.outcome)
    factor = PER**2 if share else 1
    compared = report.evaluation.findings.compared
    widths = [one.gain.high - one.gain.low for one in compared]
    unit = Unit(factor, digits(widths, factor, least=0), signed=True)
    names = [helped.treatment for helped in report.evaluation.treatments]
    rest = [1 - sum(one.weights[i] for one in compared) for i in range(len(names))]
    rows = [
        (
            LEARNERS.get(one.learner, one.learner),
            unit.shown(one.gain),
            *(Shown(_percent(w)) for w in one.weights),
        )
        for one in compared
    ]
    squared = f"('{report.outcome}'{f' per {PER:,} people' if share else ''})²"
    return Figure(
        caption="Learners on people they had not seen, against giving everybody the average effect: by how "
        f"much the squared error of predicted effects is lower, {squared}; and how much each counts.",
        head=("Learner", "Error lower by (interval)", *(f"Weight, {name}" for name in names)),
        rows=(*rows, ("the average effect for everybody", NONE, *(Shown(_percent(w)) for w in rest))),
    )


def extremes(report: Report) -> str:
    """What was done with the largest amounts, in words; empty where the outcome is a yes or no."""
    if is_share(report, report.outcome):
        return ""
    found = report.evaluation.findings.extremes
    if found.cap is None or found.gain is None:
        return "The largest amounts counted in full: no cap on them did better on people not learned from."
    unit = report.currency if report.evaluation.treatments[0].ranked[0].money else f"of '{report.outcome}'"
    people = f"{found.capped:,} people" if found.capped >= LEAST else f"fewer than {LEAST} people"
    return (
        f"While learning who differs, amounts beyond {number(found.cap)} {unit} counted as "
        f"{number(found.cap)} ({people} had more): that did better on people not learned from. All gains on "
        "this page count every amount in full."
    )


def what(report: Report, ranked: Ranked) -> str:
    """The outcome, in money where it is money."""
    return f"{report.currency} of '{ranked.outcome}'" if ranked.money else f"'{ranked.outcome}'"


def _beats(found: Estimate, other: str) -> str:
    if not found.excludes_zero:
        return "no difference" if found.low == found.high else f"cannot be told from {other}"
    return f"{'better' if found.value > 0 else 'worse'} than {other}"


def _unit(found: Estimate) -> Unit:
    return Unit(1, digits([found.high - found.low], 1, least=1))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
