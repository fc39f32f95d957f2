"""Stop rules: limits on harm, watched at every look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from suasion.errors import CampaignError, UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.sequential.confidence import bounds, first
from suasion.stats.sequential.looks import Looks
from suasion.stats.sequential.rates import Counts, rate_sequence

State = Literal["fine", "harm", "unknown"]


@dataclass(frozen=True)
class Guardrail:
    """A quantity that must not pass a limit.

    Parameters
    ----------
    name : str
        As the report calls it: "complaints".
    tuned_for : float
        Where it is sharpest: the planned number of persons for a share (`Counts`), the planned standard error
        for an effect (`Looks`).
    most, least : float, optional
        The limit; one of them. More than `most`, or less than `least`, is harm.

    Raises
    ------
    CampaignError
        Not exactly one limit.
    """

    name: str
    tuned_for: float
    most: float | None = None
    least: float | None = None

    def __post_init__(self) -> None:
        if (self.most is None) == (self.least is None):
            raise CampaignError(f"guardrail {self.name!r}", "not exactly one limit", "Give most, or least.")

    @property
    def limit(self) -> float:
        """The one that was given."""
        return self.most if self.most is not None else self.least if self.least is not None else 0.0

    def judged(self, known: Estimate | None) -> State:
        """What an interval says of the limit."""
        if known is None:
            return "unknown"
        above, below = known.low > self.limit, known.high < self.limit
        harm, fine = (above, below) if self.most is not None else (below, above)
        return "harm" if harm else "fine" if fine else "unknown"


@dataclass(frozen=True)
class Verdict:
    """What all looks so far say of one guardrail.

    Parameters
    ----------
    name : str
        Of the guardrail.
    state : {"fine", "harm", "unknown"}
        Harm once shown stays shown; fine is said of the latest look.
    harm_at : int or None
        First look, from 0, that showed harm: stop there.
    estimate : Estimate or None
        At that look, else the latest; each end alone ever misses with chance alpha over the number of
        guardrails.
    text : str
        The same in one sentence.
    """

    name: str
    state: State
    harm_at: int | None
    estimate: Estimate | None
    text: str


def watch(
    guardrails: Sequence[Guardrail], seen: Mapping[str, Looks | Counts], alpha: float = 0.05
) -> tuple[Verdict, ...]:
    """Judge each guardrail by everything seen so far; call it at every look.

    Alpha is split evenly (Bonferroni), so that the chance of ever a false alarm of any guardrail, and that of
    ever calling any fine that is not, are alpha each. Shares are judged exactly, effects by asymptotic
    confidence sequences. A guardrail on the long run (fatigue, later purchases, gifts) is one whose looks are
    of the later outcome.

    Parameters
    ----------
    guardrails : sequence of Guardrail
        Declared before the first send, each with a name of its own.
    seen : mapping of str to Looks or Counts
        By name of the guardrail, all looks so far.
    alpha : float
        For all of them.

    Returns
    -------
    tuple of Verdict
        In the order declared.

    Raises
    ------
    UndefinedError
        No guardrail, or one of which nothing is given.

    Examples
    --------
    >>> import numpy as np
    >>> complaints = Guardrail("complaints", tuned_for=20_000, most=0.001)
    >>> seen = Counts(np.array([2, 31]), np.array([2000, 10_000]))
    >>> print(watch([complaints], {"complaints": seen})[0].text)
    complaints: harm shown at look 2, 0.0031 (0.00152 to 0.00552) where 0.001 is the most. Stop.
    """
    missing = sorted({rail.name for rail in guardrails} - set(seen))
    if missing or not guardrails or len({rail.name for rail in guardrails}) < len(guardrails):
        found = f"{len(guardrails)} guardrail(s), nothing seen of {missing}, or a name twice"
        raise UndefinedError("guardrails", found, "Give looks for each, and each a name of its own.")
    return tuple(
        _verdict(rail, _estimates(rail, seen[rail.name], alpha / len(guardrails))) for rail in guardrails
    )


def _estimates(rail: Guardrail, seen: Looks | Counts, alpha: float) -> tuple[Estimate | None, ...]:
    if isinstance(seen, Counts):
        return rate_sequence(seen, rail.limit, round(rail.tuned_for), 1 - alpha)
    return bounds(seen, rail.tuned_for, alpha, 1)


def _verdict(rail: Guardrail, estimates: tuple[Estimate | None, ...]) -> Verdict:
    states = [rail.judged(known) for known in estimates]
    harm_at = first(state == "harm" for state in states)
    if harm_at is not None:
        return _said(rail, "harm", harm_at, estimates[harm_at])
    latest = estimates[-1] if estimates else None
    return _said(rail, rail.judged(latest), None, latest)


def _said(rail: Guardrail, state: State, harm_at: int | None, known: Estimate | None) -> Verdict:
    if known is None:
        return Verdict(rail.name, state, harm_at, known, f"{rail.name}: not yet known, too few so far.")
    when = "" if harm_at is None else f" at look {harm_at + 1}"
    says = {"fine": "fine", "harm": f"harm shown{when}", "unknown": "not yet known"}[state]
    interval = f"{known.value:.3g} ({known.low:.3g} to {known.high:.3g})"
    limit = f"{rail.limit:.3g} is the {'most' if rail.most is not None else 'least'}"
    text = f"{rail.name}: {says}, {interval} where {limit}.{' Stop.' if state == 'harm' else ''}"
    return Verdict(rail.name, state, harm_at, known, text)
