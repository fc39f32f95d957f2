"""The card of a score: what it is, how good it is, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from suasion.rules import Purpose
from suasion.scores.inferences.page import written
from suasion.scores.inferences.quality import Quality
from suasion.stats import Estimate

SURELY = 0.99
"""A score that tells people apart better than this has more often seen the answer than found it."""


@dataclass(frozen=True)
class Card:
    """What is to be known of a score before it is used.

    Parameters
    ----------
    name : str
        Of the inference.
    kind : {"propensity", "lookalike"}
    trait : str
        Where it is stored.
    purpose : Purpose
        The only one it may be used for.
    learned_from : str
        Source and outcome, or the list, in words.
    model : str
        Names the version: another where people, declaration or rules were others.
    at : datetime
        When it was learned.
    until : date
        Its last day.
    scored : int
        Persons who got it.
    left_out : dict of str to int
        Persons whom it could have been learned from, and why not.
    quality : Quality
    listed : Estimate or None
        Of a lookalike: which share of those who belong on the list is on it.
    """

    name: str
    kind: Literal["propensity", "lookalike"]
    trait: str
    purpose: Purpose
    learned_from: str
    model: str
    at: datetime
    until: date
    scored: int
    left_out: dict[str, int]
    quality: Quality
    listed: Estimate | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it was learned from and how good it is."""
        q = self.quality
        worth = f", worth {q.effective:,.0f} under their weights" if q.effective < q.people - 0.5 else ""
        told = "on the list" if self.kind == "lookalike" else "with the outcome"
        lines = [
            f"Learned from {self.learned_from}: {q.people:,} persons{worth}; {_percent(q.base_rate)} {told}.",
            f"Of two persons, one {told} and one not, it ranks the first higher in {_percent(q.auc)}.",
            f"Its squared distance from what came out is {q.gain.scaled(digits=4)} below that of the base "
            f"rate, {q.brier.value + q.gain.value:.4f}.",
        ]
        if q.slope is not None:
            lines.append(f"Its calibration slope is {q.slope.scaled(digits=2)}; 1 is right in size.")
        if self.listed is not None:
            lines.append(
                f"If the list is a random part of all who belong on it, it holds {_percent(self.listed)} of "
                "them, or more where features do not tell for certain. The order does not depend on it; a "
                "level would, and none is given."
            )
        return tuple(lines)

    @property
    def limits(self) -> tuple[str, ...]:
        """What it must not be used for, and what to doubt."""
        return tuple(self._limits())

    def _limits(self) -> Iterator[str]:
        who = "is like those on a list" if self.kind == "lookalike" else "is likely to act"
        yield f"It says who {who}, not whom a message changes: to choose whom to write to, estimate effects."
        yield f"Use it for {self.purpose} alone, and not after {self.until}; it is unknown otherwise."
        yield "Decide nothing of legal or similar weight about a person by it (GDPR, Art. 22)."
        if self.kind == "propensity":
            yield "An interval is about people with such a score; what one of them does stays open."
        if self.quality.auc.value > SURELY:
            yield "It tells people apart almost always: see that no feature was recorded after the outcome."
        for trait, found in self.quality.groups.items():
            for group, one in found.items():
                if one.observed and not one.observed.low <= one.predicted <= one.observed.high:
                    way = "low" if one.predicted < one.observed.value else "high"
                    yield (
                        f"It is too {way} where {trait} is {group}: {one.predicted:.3f} said, "
                        f"{one.observed.scaled(digits=3)} came out."
                    )

    def as_dict(self) -> dict[str, Any]:
        """The card for JSON, with its sentences and limits."""
        told = {"sentences": self.sentences, "limits": self.limits}
        times = {"at": self.at.isoformat(), "until": self.until.isoformat()}
        quality = asdict(self.quality) | {"tells": self.quality.tells}
        return asdict(self) | times | {"quality": quality} | told

    @property
    def page(self) -> str:
        """The card as one HTML page for people."""
        return written(self.as_dict())


def _percent(estimate: Estimate) -> str:
    shown = estimate.times(100)
    return f"{shown.value:.1f} % ({shown.low:.1f} to {shown.high:.1f})"
