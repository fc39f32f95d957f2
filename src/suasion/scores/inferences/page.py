"""The card of a score as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import minijinja


def written(card: Mapping[str, Any]) -> str:
    """Write a card for people: sentences, limits, and every number as a table.

    The page stands alone: no script, no font, style or picture from elsewhere. All text is escaped.

    Parameters
    ----------
    card : mapping
        As `Card.as_dict` gives it.

    Returns
    -------
    str
        HTML.
    """
    bins = [one for one in card["quality"]["bins"] if one["observed"]]
    top = max(max(one["predicted"], one["observed"]["high"]) for one in bins)
    return _environment().render_template("card.html", card=card, bins=bins, top=top)


def _estimate(estimate: Mapping[str, Any], digits: int = 3) -> str:
    value, low, high = (f"{estimate[end]:,.{digits}f}" for end in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


@cache
def _environment() -> minijinja.Environment:
    folder = files("suasion.scores.inferences")
    return minijinja.Environment(
        templates={"card.html": folder.joinpath("card.html").read_text("utf-8")},
        filters={
            "count": lambda n: f"{n:,}",
            "estimate": _estimate,
            "share": lambda chance: f"{chance:.3f}",
            "thousand": lambda estimate: _estimate(
                {k: estimate[k] * 1000 for k in ("value", "low", "high")}, 2
            ),
        },
        undefined_behavior="strict",
        trim_blocks=True,
        lstrip_blocks=True,
    )
