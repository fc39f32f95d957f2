"""What speaks against a lift: a draw that is not the plan's, answers that are missing, too few left alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from suasion.measurement.own_draw import own_effect

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
DUST = 1e-9
"""Probabilities below this are rounding dust of sums that should be 0."""
LEAST_LEFT_ALONE = 20
TOO_FAR = 5.0
"""Standard deviations between draw and plan that chance does not explain."""


def unlike_plan(probabilities: Floats, drawn: Ids) -> Iterator[str]:
    """Options drawn more or less often than the plan asks, or to the wrong people (Pearson's chi-square)."""
    for option, chances in enumerate(probabilities.T):
        count, asked = int((drawn == option).sum()), float(chances.sum())
        if abs(count - asked) > 1 + TOO_FAR * float(np.sqrt((chances * (1 - chances)).sum())):
            name = f"treatment {option}" if option else "nothing"
            yield (
                f"The draw does not fit the plan: {count:,} people were drawn for {name}, the plan asks for "
                f"{asked:,.0f}. Do not trust this lift."
            )
    open_ = probabilities > DUST
    rare = np.divide(1, probabilities, out=np.zeros_like(probabilities), where=open_)
    surprise, options = rare[np.arange(len(drawn)), drawn], open_.sum(axis=1)
    noise = float(np.sqrt(max(0.0, (rare.sum(axis=1) - options**2).sum())))
    if abs(surprise.sum() - options.sum()) > 1 + TOO_FAR * noise:
        yield (
            "The draw does not fit the plan: people were drawn with other chances than the plan gives them. "
            "Do not trust this lift."
        )


def missing(nothing: Floats, left: Flags, known: Flags, households: Ids | None) -> Iterator[str]:
    """How many outcomes are unknown, and whether the plan changed that: its effect on being unknown."""
    unknown = ~known
    if not unknown.any():
        return
    yield (
        f"The outcome of {int(unknown.sum()):,} of {len(known):,} people is unknown: of "
        f"{_part(unknown, ~left)} drawn for a treatment, and of {_part(unknown, left)} others. "
        "The lift is that of the rest, taken to hold for all."
    )
    effect = own_effect(nothing, left, unknown.astype(np.float64), np.zeros(len(known)), households)
    if effect.excludes_zero:
        yield (
            "Whether an outcome is known depends on the treatment: the plan changed the share of the unknown "
            f"by {effect.scaled(100, digits=1)} percent points. The lift may be off by as much."
        )


def _part(some: Flags, group: Flags) -> str:
    return f"{int((some & group).sum()):,} of {int(group.sum()):,}"


def few(nothing: Floats, left: Flags) -> Iterator[str]:
    """Whether those left alone, counted by their weight, are too few (Kish 1965, Survey Sampling, 11.7)."""
    weight = np.where(left, (1 - nothing) / nothing, 0.0)
    if not weight.any():
        return
    count = weight.sum() ** 2 / (weight**2).sum()
    if count < LEAST_LEFT_ALONE:
        yield (
            f"Those whom chance left alone count for no more than {count:,.0f} people: the interval is "
            "rough. Next time, plan a larger holdout."
        )
