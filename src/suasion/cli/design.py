"""Say beforehand what an experiment could show."""

from __future__ import annotations

from typing import Annotated

import typer

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.experiments import power as powers


def power(
    people: Annotated[int, typer.Option(help="Everybody in the experiment, those left alone included.")],
    rate: Annotated[float | None, typer.Option(help="Share who do it anyway, 0 to 1.")] = None,
    mean: Annotated[float | None, typer.Option(help="Or the mean of an amount, with --deviation.")] = None,
    deviation: Annotated[float | None, typer.Option(help="Standard deviation of the amount.")] = None,
    effect: Annotated[float | None, typer.Option(help="Hoped for; else the smallest that is seen.")] = None,
    arms: Annotated[int, typer.Option(min=2, max=100, help="Those left alone, and each treatment.")] = 2,
    budget: Annotated[
        float | None, typer.Option(min=0, max=1e15, help="Money, with --cost: whom can it treat?")
    ] = None,
    cost: Annotated[float | None, typer.Option(min=0.0001, max=1e15, help="Of treating one person.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which effect an experiment could find."""
    quantity, layout = _quantity(rate, mean, deviation), powers.Layout((1 / arms,) * arms)
    if (budget is None) is not (cost is None):
        raise typer.BadParameter("give --budget and --cost together")
    if budget is not None and cost is not None:
        found = powers.affordable(quantity, people, budget, cost, effect, layout)
    elif effect is not None:
        found = powers.of(quantity, people, effect, layout)
    else:
        found = powers.smallest_effect(quantity, people, layout)
    show.emit(found) if as_json else show.said((found.sentence, *found.doubts))


def _quantity(
    rate: float | None, mean: float | None, deviation: float | None
) -> powers.Share | powers.Amount:
    if rate is not None and mean is None:
        return powers.Share(rate)
    if mean is not None and deviation is not None and rate is None:
        return powers.Amount(mean, deviation)
    raise typer.BadParameter("give --rate, or --mean with --deviation")
