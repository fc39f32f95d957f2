"""What a campaign cost and what came back, as tables."""

from __future__ import annotations

from suasion.measurement.spending import Return, Spending
from suasion.measurement.units import Shown, Unit, digits, money, price
from suasion.stats import Estimate

NONE = Shown("–")
Row = tuple[str | Shown, ...]


def cost_rows(found: Spending, currency: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Head and rows of the table of costs."""
    unit = price([found.spent.value])

    def paid(estimate: Estimate) -> Shown:
        return Shown(unit.number(estimate.value)) if estimate.low == estimate.high else unit.shown(estimate)

    rows = [
        (
            "people erased since" if line.treatment is None else f"{line.treatment}, {line.channel}",
            Shown(f"{line.sends:,}"),
            Shown(unit.number(line.set_aside)),
            paid(line.paid),
        )
        for line in found.lines
    ]
    aside = sum(line.set_aside for line in found.lines)
    whole = ("together", Shown(f"{found.spent.n:,}"), Shown(unit.number(aside)), paid(found.spent))
    return ("Treatment", "Sends", f"Set aside, {currency}", f"Cost, {currency}"), (*rows, whole)


def return_rows(found: Spending, currency: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Head and rows of the table of what came back."""
    head = (
        "Outcome",
        "Extra (interval)",
        f"Worth of one, {currency}",
        f"One more cost, {currency} (interval)",
        f"Came back less cost, {currency} (interval)",
        f"For 1 {currency} (interval)",
    )
    return head, tuple(_return_row(one) for one in found.returns)


def _return_row(one: Return) -> Row:
    return (
        f"'{one.outcome}'",
        _fine(one.extra, 0),
        NONE if one.worth is None else Shown(money(one.worth)),
        NONE if one.cost_per_extra is None else price([one.cost_per_extra.value]).shown(one.cost_per_extra),
        NONE if one.net is None else _fine(one.net, 0),
        NONE if one.ratio is None else _fine(one.ratio, 1),
    )


def _fine(estimate: Estimate, least: int) -> Shown:
    return Unit(1, digits([estimate.high - estimate.low], 1, least=least)).shown(estimate)
