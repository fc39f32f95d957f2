"""The figures of a sent campaign: what it changed, what that cost, and what became of its messages."""

from __future__ import annotations

from suasion.measurement.figures import NONE, Cell, Figure, changes, is_share
from suasion.measurement.lift import Lift
from suasion.measurement.report import Delivered, Report
from suasion.measurement.units import COUNT, PER, Shown, Unit, change, digits, money, price


def promised(report: Report, lift: Lift) -> Figure:
    """What the finished experiment let expect, beside what was measured."""
    nobody = next(c for c in report.replay.comparisons if c.against == "nobody")
    per = f"'{report.outcome}' per {PER:,} people"
    return changes(
        {"expected before": nobody.differences[report.outcome], "measured": lift.effect},
        ("The campaign", per, "Against treating nobody it gives"),
        f"What was expected of the plan before it was sent, and what it changed: {per}.",
        f"{per}, the campaign minus treating nobody",
        share=is_share(report, report.outcome),
    )


def paid(report: Report, lift: Lift) -> Figure:
    """Outcomes, money, and the people behind the numbers."""
    width = lift.extra.high - lift.extra.low
    each = lift.cost_per_extra
    rows: list[tuple[Cell, ...]] = [
        (f"Extra '{report.outcome}'", Unit(1, digits([width], 1, least=0), signed=True).shown(lift.extra)),
        (f"Spent, {report.currency}", Shown(money(lift.spent))),
        (
            f"Cost of one more '{report.outcome}', {report.currency}",
            NONE if each is None else price([each.value]).shown(each),
        ),
        ("People of the plan", Shown(COUNT.number(lift.people))),
        ("of them with a known outcome", Shown(COUNT.number(lift.measured))),
        ("of these drawn for a treatment", Shown(COUNT.number(lift.treated))),
        ("left alone by chance, who might have been treated", Shown(COUNT.number(lift.holdout))),
    ]
    return Figure("What the campaign gave, and what it cost.", ("What", "Number (interval)"), tuple(rows))


def naive(report: Report, lift: Lift) -> Figure | None:
    """The lift beside the comparison that looks obvious and is wrong, on one scale."""
    if lift.naive is None:
        return None
    right = lift.effect.times(lift.measured / lift.treated)
    unit = change([right], share=is_share(report, report.outcome))
    wrong = f"{'+' if round(lift.naive * PER, unit.digits) > 0 else ''}{unit.number(lift.naive)}"
    return Figure(
        caption=f"'{report.outcome}' per {PER:,} people drawn for a treatment, counted in two ways.",
        head=("How it is counted", "Number (interval)", "Is it what the campaign changed?"),
        rows=(
            ("by the chances of the draw", unit.shown(right), "yes"),
            ("those drawn for a treatment minus everybody else", Shown(wrong), "no"),
        ),
    )


def delivered(delivery: Delivered) -> Figure:
    """What became of the messages."""
    counts = {
        "Handed over": delivery.sent,
        "accepted": delivery.accepted,
        "failed": delivery.failed,
        "unknown, not sent again": delivery.unknown,
        "People who opted out": delivery.opted_out,
        "Bounced": delivery.bounced,
        "Complained": delivery.complained,
    }
    rows = [(name, Shown(COUNT.number(count))) for name, count in counts.items()]
    times = {"First handed over": delivery.first_sent, "Last handed over": delivery.last_sent}
    rows += [(name, Shown(time.replace("T", " "))) for name, time in times.items() if time]
    return Figure("What became of the messages.", ("What", "Number"), tuple(rows))
