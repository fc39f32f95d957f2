"""Results on the screen, or as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suasion.delivery import Letter
from suasion.disclosure import Verified
from suasion.measurement import Report
from suasion.messages import harm
from suasion.scores import inferences
from suasion.segments import Counts
from suasion.workspace import Check, IngestSummary, PlanSummary, ScoreSummary, SendSummary

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

screen = Console(highlight=False)


@contextmanager
def progress() -> Generator[Callable[[str], None]]:
    """Show the current step of long work on the error stream, where it is a terminal."""
    with Console(stderr=True).status("starting") as status:
        yield lambda line: status.update(escape(line))


def emit(result: Any) -> None:
    """Print dataclasses as one JSON document."""
    print(json.dumps(_plain(result), ensure_ascii=False, indent=1))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None  # JSON knows no other word for what is not known
    return value


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the second column holds numbers."""
    grid = Table(title=escape(title), title_justify="left", title_style="bold")
    for index, name in enumerate(columns):
        grid.add_column(escape(name), justify="right" if index == 1 else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(escape, row))
    screen.print(grid)


def ingested(summaries: Sequence[IngestSummary]) -> None:
    """Rows kept and rejected, source by source."""
    for one in summaries:
        kept = f"{one.kept:,} of {one.rows:,} rows kept, {one.rejected:,} rejected"
        screen.print(f"[bold]{escape(one.source)}[/bold]: {kept}")
        for reason, count in one.reasons.items():
            screen.print(f"  rejected {count:,}: {escape(reason)}")
        if one.ignored:
            screen.print(f"  [dim]columns not mapped, not read: {escape(', '.join(one.ignored))}[/dim]")
        for note in one.notes:
            screen.print(f"  [yellow]{escape(note)}[/yellow]")


def counted(name: str, counts: Counts) -> None:
    """The three counts of a segment, and a reason for every drop."""
    rows = [("people", f"{counts.people:,}"), ("match", f"{counts.matches:,}")]
    rows += [("permitted now (learn, evaluate)", f"{counts.permitted:,}")]
    rows += [(f"reachable by {channel}", f"{n:,}") for channel, n in counts.reachable.items()]
    table(f"Segment {name}", ("", "persons"), rows)
    if counts.unknown:
        screen.print(f"{counts.unknown:,} neither match nor not: a trait is unknown")
    for reason, count in counts.drops.items():
        screen.print(f"{count:,} matches not permitted: {escape(str(reason))}")
    for channel, reasons in counts.unreachable.items():
        for text, count in reasons.items():
            screen.print(f"{count:,} not reachable by {channel}: {escape(text)}")


def carded(card: inferences.Card, page: str) -> None:
    """What was learned, how good it is, and what it must not be used for."""
    screen.print(f"[bold]{escape(card.trait)}[/bold]: {card.scored:,} persons until {card.until}")
    for sentence in (*card.sentences, *card.limits):
        screen.print(escape(sentence))
    bins = [
        (f"{one.predicted:.3f}", one.observed.scaled() if one.observed else "too few", f"{one.n:,}")
        for one in card.quality.bins
    ]
    table("Do chances come true?", ("said", "came out (95 %)", "persons"), bins)
    heavy = [(name, one.scaled(1000, 2)) for name, one in card.quality.importance.items()]
    table("What it goes by", ("feature", "squared distance without it, x 1,000"), heavy[:10])
    for reason, count in card.left_out.items():
        screen.print(f"  left out {count:,}: {escape(reason)}")
    screen.print(f"Card: {escape(page)}")


def reviewed(treatments: Sequence[harm.Reviewed]) -> None:
    """What words find in each treatment's message, and the rules against it."""
    for one in treatments:
        refused = "refused" if one.reasons else "no rule refuses it"
        screen.print(f"[bold]{escape(one.treatment)}[/bold]: {refused}")
        for finding in one.findings:
            screen.print(f"  found {escape(str(finding))}")
        for reason in one.reasons:
            screen.print(f"  [red]refused[/red] {escape(str(reason))}")


def scored(summary: ScoreSummary) -> None:
    """How many were learned from, and the average effects."""
    screen.print(f"[bold]{escape(summary.campaign)}[/bold]: learned from {summary.people:,} persons")
    for reason, count in summary.left_out.items():
        screen.print(f"  left out {count:,}: {escape(reason)}")
    rows = [(name, effect.scaled(1000, 1)) for name, effect in summary.effects.items()]
    table("Average effect", ("treatment", "outcomes per 1,000 people (95 %)"), rows)
    for name, ranking in summary.rankings.items():
        verdict = "ranks people" if ranking.ranks else "is taken to be the same for everybody"
        screen.print(f"The effect of {escape(name)} {verdict}: {escape(ranking.reason)}.")
    for warning in summary.warnings:
        screen.print(f"[yellow]look[/yellow] {escape(warning)}")


def planned(summary: PlanSummary) -> None:
    """Money, and what was drawn."""
    spent = f"{summary.cost:,.2f} of {summary.budget:,.2f} expected to be spent on {summary.people:,} people"
    screen.print(f"[bold]{escape(summary.campaign)}[/bold]: {spent}")
    table("Drawn", ("option", "persons"), [(name, f"{n:,}") for name, n in summary.drawn.items()])
    for price in summary.prices:
        screen.print(escape(price))
    if summary.gap < 1:
        screen.print(f"The plan has at least {1 - summary.gap:.2%} of the value of any within these limits.")
    _refused(summary.refused)
    for note in summary.notes:
        screen.print(escape(note))


def _refused(refused: Mapping[str, Sequence[str]]) -> None:
    for name, reasons in refused.items():
        screen.print(f"[yellow]refused[/yellow] {escape(name)}: {escape('; '.join(reasons))}")


def previewed(letters: Mapping[str, Letter]) -> None:
    """What one person would read."""
    for treatment, letter in letters.items():
        screen.rule(escape(treatment), align="left")
        screen.print(f"[bold]{escape(letter.subject)}[/bold]")
        screen.print(escape(letter.text))


def said(sentences: Sequence[str]) -> None:
    """A sentence a line."""
    for sentence in sentences:
        screen.print(escape(sentence))


def sent(summary: SendSummary) -> None:
    """What this run handed over, what it left and why, and where the campaign stands."""
    screen.print(
        f"[bold]{escape(summary.campaign)}[/bold]: {_counted(summary.fates) or 'nothing handed over'}"
    )
    for reason, count in summary.left.items():
        screen.print(f"  left {count:,}: {escape(reason)}")
    if summary.stop:
        screen.print(f"[yellow]stopped[/yellow]: {escape(summary.stop)}")
    for note in summary.notes:
        screen.print(escape(note))
    states = _counted(summary.progress.states) or "none"
    screen.print(f"all sends: {states}; spent {summary.progress.spent:,.2f}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())


def recorded(done: Mapping[str, Any]) -> None:
    """What was taken in."""
    for name, value in done.items():
        said = ", ".join(value) if isinstance(value, tuple) else str(value)
        said = _counted(value) if isinstance(value, Mapping) else said
        screen.print(f"{name.replace('_', ' ')}: {escape(said or 'none')}")


def verified(found: Verified) -> None:
    """Whether the log, or what was saved of it, holds."""
    for problem in found.problems:
        screen.print(f"[red]x[/red] {escape(problem)}")
    if not found.problems:
        named = escape(", ".join(found.campaigns)) or "none"
        screen.print(f"[green]ok[/green] {found.rows} rows, campaigns: {named}")
        screen.print(f"root, keep it with its checkpoint: {found.head}")
    for one in found.unchecked:
        screen.print(f"[yellow]not checked[/yellow] {escape(one)}")


def reported(made: Report, page: str) -> None:
    """The sentences, the policies, and where the page is."""
    first, *others = made.sentences
    screen.print(f"[bold]{escape(first)}[/bold]")
    for sentence in others:
        screen.print(escape(sentence))
    rows = [
        (policy.name, policy.cost.scaled(digits=3), policy.values[made.outcome].scaled(digits=4))
        for policy in made.replay.policies
    ]
    table("Ways to decide", ("", f"{made.currency} a person", f"{made.outcome} a person"), rows)
    counted = [
        (step.label, f"{step.people:,}", "\n".join(f"{n:,}: {why}" for why, n in step.dropped.items()))
        for step in made.steps
    ]
    table("Who was counted", ("", "people", "dropped here"), counted)
    _refused(made.refused)
    screen.print(f"Report: {escape(page)}")


def examined(checks: Sequence[Check]) -> None:
    """One line a check."""
    for check in checks:
        mark = "[red]x[/red]" if check.problem else "[green]ok[/green]"
        screen.print(f"{mark} {escape(check.name)}: {escape(check.problem or check.found)}")
