"""What was tested, in words: what stops the reader first, then what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from suasion.measurement.analysis.analyze import Analysis
from suasion.measurement.analysis.guarded import Watched
from suasion.measurement.analysis.ratio import Ratio
from suasion.measurement.analysis.tested import Tested
from suasion.measurement.units import PER, change
from suasion.stats import Estimate

WORDS = {
    "opted_out": "were answered by an opt-out",
    "complained": "were complained about",
    "bounced": "bounced",
}
MOST_NAMED = 3


def alarms(analysis: Analysis, campaign: str) -> tuple[str, ...]:
    """What the reader must not miss: arms that were filled wrongly, harm, and that it is too early.

    Parameters
    ----------
    analysis : Analysis
    campaign : str
        Its name, for the advice to pause it.

    Returns
    -------
    tuple of str
    """
    said = [mismatch(analysis.ratio)] if analysis.ratio is not None and analysis.ratio.alarm else []
    said += [f"Harm is shown: {harm(rail)}." for rail in analysis.harm]
    if analysis.harm and analysis.sent is not None and analysis.sent.waiting:
        advice = f"The campaign is still sending: run `suasion pause {campaign}`."
        said.append("The campaign is paused." if analysis.sent.paused else advice)
    if analysis.waiting:
        said.append(
            "Nothing is said about what the campaign changed, because it is to be judged once, when "
            f"{analysis.planned_end:,} people have answered: not yet, {analysis.answered:,} of "
            f"{analysis.planned_end:,} have."
        )
    return tuple(said)


def findings(analysis: Analysis) -> tuple[str, ...]:
    """What was found, and of what nothing is said.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    tuple of str
    """
    said = [*_effects(analysis), *_groups(analysis)]
    if analysis.course is not None and analysis.course.longer:
        said.append(f"How much longer? {analysis.course.longer}")
    said += _unknown(analysis.guardrails)
    return tuple(said)


def mismatch(ratio: Ratio) -> str:
    """Say which arm was filled wrongly.

    Examples
    --------
    >>> wrong = Ratio(("none", "mail"), (400, 600), (500.0, 500.0), "people", 0, 2.5e-10, "chi-square", True)
    >>> mismatch(wrong).partition(".")[0]
    "Do not believe these effects: 'none' has 400 of 1,000 people, where 500 were to be drawn"
    """
    away = [abs(n - want) / want**0.5 for n, want in zip(ratio.counts, ratio.expected, strict=True)]
    worst = away.index(max(away))
    return (
        f"Do not believe these effects: '{ratio.names[worst]}' has {ratio.counts[worst]:,} of "
        f"{sum(ratio.counts):,} {ratio.unit}, where {ratio.expected[worst]:,.0f} were to be drawn. Chance "
        "does this less than once in a thousand experiments, so something filled the arms wrongly "
        f"(p = {ratio.p_value:.1g})."
    )


def harm(rail: Watched) -> str:
    """What is known of a guardrail, held against its limit."""
    if rail.estimate is None:
        return ""
    shown = change([rail.estimate], share=rail.of_sends).shown(rail.estimate)
    number, limit = f"{shown.value.removeprefix('+')} ({shown.interval})", f"{rail.most * PER:,.10g}"
    if rail.of_sends:
        return f"of {PER:,} messages {number} {WORDS[rail.watches]}, where at most {limit} may"
    whose = f"'{rail.treatment}' makes" if rail.treatment else "the campaign makes"
    return f"{whose} '{rail.watches}' worse by {number} per {PER:,} people, where at most {limit} may be"


def words(rail: Watched) -> str:
    """What a guardrail watches, for a table or list."""
    return f"'{rail.watches}'" if not rail.of_sends else rail.watches.replace("_", " ")


def _effects(analysis: Analysis) -> Iterator[str]:
    told = [row for row in analysis.effects if row.effect is not None]
    if told:
        many = f" after Holm's correction for {len(told)} tests" if len(told) > 1 else ""
        yield f"By intention to treat{many}: {'; '.join(_found(row, analysis.alpha) for row in told)}."
    yield from (
        f"Nothing is said about '{row.treatment}', because {row.why_not}."
        for row in analysis.effects
        if row.effect is None
    )


def _found(row: Tested, alpha: float) -> str:
    if row.effect is None or row.adjusted is None:
        return ""
    number = _number(row.effect)
    if row.adjusted > alpha:
        return f"'{row.treatment}' cannot be told from nothing ({number})"
    verb = "raises" if row.effect.value > 0 else "lowers"
    return f"'{row.treatment}' {verb} '{row.outcome}', {number}"


def _number(estimate: Estimate) -> str:
    shown = change([estimate], share=False).shown(estimate)
    return f"{shown.value} ({shown.interval}) per {PER:,} people"


def _groups(analysis: Analysis) -> Iterator[str]:
    """Whether a treatment does something in a group, or harm, and whether anything can be said of groups."""
    told = [row for row in analysis.groups if row.effect is not None and row.adjusted is not None]
    if not told:
        if analysis.groups:
            yield "Nothing is said about groups, because too few people of any have answered."
        return
    traits = " and ".join(dict.fromkeys(f"'{row.trait}'" for row in told))
    sure = [row for row in told if row.adjusted is not None and row.adjusted <= analysis.alpha]
    said = [
        f"'{outcome}' is {word} in {_listed(rows, len(told))}"
        for outcome, word, rows in (
            (told[0].outcome, "raised", [row for row in sure if row.effect and row.effect.value > 0]),
            (told[0].outcome, "lowered", [row for row in sure if row.effect and row.effect.value < 0]),
        )
        if rows
    ]
    found = " and ".join(said) or "in no group can a treatment be told from nothing"
    yield f"By {traits}, counting {len(told)} tests: {found}."


def _listed(rows: Sequence[Tested], everything: int) -> str:
    if len(rows) == everything:
        return "every group, by every treatment"
    names = [f"'{row.trait}: {row.group}' by '{row.treatment}'" for row in rows[:MOST_NAMED]]
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return ", ".join(names) + more


def _unknown(rails: Sequence[Watched]) -> Iterator[str]:
    open_ = [rail for rail in rails if rail.state == "unknown"]
    if open_:
        names = ", ".join(dict.fromkeys(words(rail) for rail in open_))
        yield f"It is not known yet whether a guardrail is kept: {names}."
