"""Guardrails: what must not get worse, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from suasion.declarations import closest
from suasion.errors import CampaignError
from suasion.ledger import Campaign
from suasion.measurement.analysis.course import looks_of
from suasion.measurement.analysis.evidence import Evidence
from suasion.measurement.analysis.registered import Registered, rail_status
from suasion.measurement.analysis.tested import effects
from suasion.measurement.analysis.way import BURN_IN, ONCE, Way
from suasion.stats import Estimate, sequential

REPLIES = ("opted_out", "complained", "bounced")
"""What is counted among sends; all else is an outcome."""
LEAST = 1e-6
"""A share of sends as good as none."""
Seen = tuple[sequential.Looks | sequential.Counts, float]
"""What was seen, and the standard error, or the number of sends, at the planned end, where it is sharpest."""


@dataclass(frozen=True)
class Sent:
    """What became of the messages, as guardrails count it.

    Parameters
    ----------
    sends : int
        Handed over so far.
    waiting : int
        Which still wait.
    replies : mapping of str to int
        What came back, by kind.
    paused : bool
        Whether the campaign is paused.
    """

    sends: int
    waiting: int
    replies: Mapping[str, int]
    paused: bool


@dataclass(frozen=True)
class Tried:
    """Whose outcomes guardrails look at.

    Parameters
    ----------
    evidence : Evidence
    people : int or None
        Of a sent plan, who have answered at its planned end: it is held against those left alone. None for a
        finished experiment, each of whose treatments is held against the control.
    """

    evidence: Evidence
    people: int | None


@dataclass(frozen=True)
class Watched:
    """A guardrail and what is known of it.

    Parameters
    ----------
    watches : str
        ``opted_out``, ``complained``, ``bounced``, or an outcome.
    treatment : str
        Of which treatment; empty for all together.
    most : float
        As declared: the share of sends, or how much worse, in the outcome's own unit.
    state : str
        ``fine``, ``harm`` or ``unknown``.
    estimate : Estimate or None
        The share, or how much worse. None where nothing is known.
    status : str
        ``planned``, ``added`` or ``not registered``.
    """

    watches: str
    treatment: str
    most: float
    state: str
    estimate: Estimate | None
    status: str

    @property
    def of_sends(self) -> bool:
        """Whether it is a share of sends."""
        return self.watches in REPLIES


def watched(
    campaign: Campaign, registered: Registered | None, sent: Sent | None, tried: Tried | None
) -> tuple[Watched, ...]:
    """Judge every guardrail of a campaign by intervals that hold however often one looks.

    Parameters
    ----------
    campaign : Campaign
    registered : Registered or None
    sent : Sent or None
        None where nothing was sent.
    tried : Tried or None
        None where no outcome is known.

    Returns
    -------
    tuple of Watched

    Raises
    ------
    CampaignError
        A guardrail watches what is neither a reply nor an outcome of the campaign.
    """
    rails: list[tuple[Watched, Seen | None]] = []
    for terms in campaign.analysis.guardrails:
        status = rail_status(registered, terms.model_dump(mode="json"))
        for treatment, seen in _seen(terms.watches, terms.lower_is_worse, campaign, sent, tried):
            rails.append((Watched(terms.watches, treatment, terms.most, "unknown", None, status), seen))
    return tuple(_judged(rail, seen, campaign.analysis.alpha / len(rails)) for rail, seen in rails)


def _judged(rail: Watched, seen: Seen | None, alpha: float) -> Watched:
    if seen is None:
        return rail
    most = min(max(rail.most, LEAST), 1 - LEAST) if rail.of_sends else rail.most
    guardrail = sequential.Guardrail(rail.watches, seen[1], most=most)
    (verdict,) = sequential.watch([guardrail], {rail.watches: seen[0]}, alpha)
    return Watched(rail.watches, rail.treatment, rail.most, verdict.state, verdict.estimate, rail.status)


def _seen(
    watches: str, lower_is_worse: bool, campaign: Campaign, sent: Sent | None, tried: Tried | None
) -> Iterator[tuple[str, Seen | None]]:
    """What was seen of a guardrail, by treatment; an effect counts as it makes things worse."""
    known = (campaign.outcome, *campaign.also)
    if watches not in (*REPLIES, *known):
        asked, found = f"a guardrail of campaign '{campaign.name}'", f"unknown '{watches}'"
        raise CampaignError(asked, found, closest(watches, (*REPLIES, *known)))
    if watches in REPLIES:
        yield "", _among_sends(watches, sent)
    elif tried is None:
        yield "", None
    elif tried.people is not None:
        found = looks_of(tried.evidence, watches, tried.people)
        yield "", found and (_worse(found[0], lower_is_worse), found[1])
    else:
        yield from _of_treatments(watches, lower_is_worse, tried.evidence)


def _among_sends(watches: str, sent: Sent | None) -> Seen | None:
    if sent is None or not sent.sends:
        return None
    events = min(sent.replies.get(watches, 0), sent.sends)
    return sequential.Counts(np.array([events]), np.array([sent.sends])), float(sent.sends + sent.waiting)


def _of_treatments(
    watches: str, lower_is_worse: bool, evidence: Evidence
) -> Iterator[tuple[str, Seen | None]]:
    """One look at the end of an experiment."""
    for row in effects(evidence, watches, Way("fixed", 0.05), ""):
        seen = None
        if row.effect is not None and row.effect.high > row.effect.value:
            error = (row.effect.high - row.effect.value) / ONCE
            units = np.full((1, 2), max(row.effect.n // 2, BURN_IN))
            looks = sequential.Looks(np.array([row.effect.value]), np.array([error]), units)
            seen = _worse(looks, lower_is_worse), error
        yield row.treatment, seen


def _worse(looks: sequential.Looks, lower_is_worse: bool) -> sequential.Looks:
    return sequential.Looks(-looks.values, looks.errors, looks.units) if lower_is_worse else looks
