"""The analysis of a sent campaign, or of the finished experiment of a replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suasion.ledger import Campaign
from suasion.measurement.analysis.course import Course, course_of
from suasion.measurement.analysis.evidence import Evidence
from suasion.measurement.analysis.families import adjusted
from suasion.measurement.analysis.guarded import Sent, Tried, Watched, watched
from suasion.measurement.analysis.ratio import Ratio, ratio_of
from suasion.measurement.analysis.registered import (
    Grouping,
    Registered,
    as_registered,
    outcome_status,
)
from suasion.measurement.analysis.tested import Tested, by_group, effects
from suasion.measurement.analysis.way import Way
from suasion.stats import multiplicity


@dataclass(frozen=True)
class Analysis:
    """What was tested, how, and what was found.

    Parameters
    ----------
    live : bool
        Whether it is of a sent campaign, and not of a finished experiment.
    registered_at, digest : str
        When the analysis was recorded, ISO 8601, and its digest then; empty where it was not.
    alpha : float
    looks : str
        ``sequence``, ``group_sequential`` or ``fixed``.
    before : str
        The trait that sharpens estimates; empty where there is none.
    answered, planned_end : int
        People whose outcome is known, and for whom the analysis was planned.
    ratio : Ratio or None
        None where chances are not known.
    effects, also, groups : tuple of Tested
        On the outcome, on other outcomes, and on the outcome in groups.
    course : Course or None
        Of the plan as a whole; None for a finished experiment.
    guardrails : tuple of Watched
    sent : Sent or None
        None where nothing was sent.
    notes : tuple of str
        What else the reader must know.
    """

    live: bool
    registered_at: str
    digest: str
    alpha: float
    looks: str
    before: str
    answered: int
    planned_end: int
    ratio: Ratio | None
    effects: tuple[Tested, ...]
    also: tuple[Tested, ...]
    groups: tuple[Tested, ...]
    course: Course | None
    guardrails: tuple[Watched, ...]
    sent: Sent | None
    notes: tuple[str, ...]

    @property
    def waiting(self) -> bool:
        """Whether the analysis is fixed for more people than have answered: nothing is told before."""
        return self.live and self.looks == "fixed" and self.answered < self.planned_end

    @property
    def harm(self) -> tuple[Watched, ...]:
        """The guardrails that were passed."""
        return tuple(rail for rail in self.guardrails if rail.state == "harm")


def analyze(
    campaign: Campaign,
    evidence: Evidence,
    groups: Sequence[Grouping],
    registered: Registered | None = None,
    sent: Sent | None = None,
    *,
    live: bool,
) -> Analysis:
    """Analyze as it was registered, and tell what was added apart from what was planned.

    Effects are by intention to treat. P-values of the treatments on the campaign's outcome are Holm's; those
    on other outcomes, and in groups, Benjamini and Hochberg's.

    Parameters
    ----------
    campaign : Campaign
        As it is declared now.
    evidence : Evidence
        Of everybody who was drawn; its traits hold `groups`.
    groups : sequence of Grouping
        As `groupings` makes them.
    registered : Registered, optional
        The analysis as the log holds it.
    sent : Sent, optional
        What became of the messages.
    live : bool
        Whether the evidence is of a sent campaign, and not of a finished experiment.

    Returns
    -------
    Analysis

    Raises
    ------
    CampaignError
        A guardrail watches what is unknown.
    """
    judged, notes = as_registered(campaign, registered)
    terms, known = judged.analysis, evidence.known(judged.outcome)
    planned_end = (terms.people or len(known)) if live else int(known.sum())
    course = course_of(evidence, judged.outcome, terms.looks, terms.alpha, planned_end) if live else None
    made = Analysis(
        live=live,
        registered_at="" if registered is None else registered.at,
        digest="" if registered is None else registered.digest,
        alpha=terms.alpha,
        looks=terms.looks if live else "fixed",
        before=terms.before or "",
        answered=int(known.sum()),
        planned_end=planned_end,
        ratio=ratio_of(evidence, known),
        effects=(),
        also=(),
        groups=(),
        course=course,
        guardrails=watched(judged, registered, sent, Tried(evidence, planned_end if live else None)),
        sent=sent,
        notes=notes,
    )
    if made.waiting or not known.any():
        return made
    way = Way("fixed", terms.alpha) if course is None else course.way
    return _with_effects(made, judged, evidence, groups, registered, way)


def _with_effects(
    made: Analysis,
    campaign: Campaign,
    evidence: Evidence,
    groups: Sequence[Grouping],
    registered: Registered | None,
    way: Way,
) -> Analysis:
    outcome = campaign.outcome
    main = effects(evidence, outcome, way, outcome_status(registered, outcome))
    others = [
        row
        for other in campaign.also
        if evidence.known(other).any()
        for row in effects(evidence, other, way, outcome_status(registered, other))
    ]
    inside = [row for group in groups for row in by_group(evidence, outcome, group, way)]
    return replace(
        made,
        effects=adjusted(main, multiplicity.holm),
        also=adjusted(others, multiplicity.benjamini_hochberg),
        groups=adjusted(inside, multiplicity.benjamini_hochberg),
        notes=(*made.notes, *_sharper(made, main)),
    )


def _sharper(made: Analysis, rows: tuple[Tested, ...]) -> Iterator[str]:
    """How much the number from before helped."""
    found = [row.reduction for row in rows if row.reduction is not None]
    if found:
        yield f"'{made.before}', from before the draw, takes {np.mean(found):.0%} of the variance away."
    if found and made.live:
        yield f"It is '{made.before}' as ingested last: nothing that came after the draw may be in it."
