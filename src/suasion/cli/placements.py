"""The commands of placements: list, show, prior, compare, approve, pause, resume, report."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from suasion.cli import challengers
from suasion.cli import show as screen
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.workspace import deciding, streaming

app = typer.Typer(help="Places where a client asks what to show.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a placement.")]


@app.command("list")
def listed(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show all placements, and whether they decide."""
    found = work(workspace, deciding.shown)
    if as_json:
        screen.emit([_told(one) for one in found])
        return
    rows = [(one.placement, str(len(one.variants)), one.policy, _stands(one)) for one in found]
    screen.table("Placements", ("name", "variants", "policy", "decides"), rows)


@app.command()
def show(name: Name, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show one placement: what it may show, who approved it, and what the rules refuse of it."""
    found = work(workspace, lambda ws: deciding.show(ws, name))
    if as_json:
        screen.emit(_told(found))
        return
    approval = found.standing.approval
    lines = [
        f"{found.label}: {found.purpose}, by {found.channel}, chosen by the policy '{found.policy}'.",
        f"Variants: {', '.join(found.variants)}; '{found.variants[0]}' is the generic one.",
        "Nobody approved it as it is." if approval is None else f"{approval[0]} approved it as it is.",
        *(f"Variant '{variant}': {reason}." for variant, told in found.refused.items() for reason in told),
        f"Decides: {_stands(found)}.",
        *challengers.stands(found),
    ]
    screen.said(lines)


@app.command()
def prior(
    name: Name,
    campaign: Annotated[str, typer.Option(help="Whose scores.")],
    worth: Annotated[float, typer.Option(min=1, max=1e6, help="As so many rewards a variant they weigh.")],
    challenger: Annotated[bool, typer.Option("--challenger", help="For its policy.")] = False,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Say what a campaign's scores expect of the variants, as the placement's file has it."""
    found = work(workspace, lambda ws: deciding.expected(ws, name, campaign, challenger=challenger))
    if as_json:
        screen.emit({**asdict(found), "worth": worth})
        return
    about = ", ".join(("constant", *found.features))
    typer.echo(f"# '{found.outcome}' as campaign '{campaign}' expects it of {found.people:,} people: {about}")
    table = "challenger" if challenger else "policy"
    typer.echo(f"[{table}.prior]\nworth = {worth}\n\n[{table}.prior.means]")
    for arm, means in found.means.items():
        typer.echo(f"{arm} = [{', '.join(map(repr, means))}]")


@app.command()
def compare(name: Name, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Estimate on the log what the challenger would have brought, beside the champion."""
    found = work(workspace, lambda ws: streaming.compare(ws, name))
    screen.emit(found.as_dict()) if as_json else challengers.compared(found)


@app.command()
def approve(
    name: Name,
    by: Annotated[str, typer.Option(help="Who agrees.")],
    why: Annotated[str, typer.Option(help="On what grounds.")],
    shown: Annotated[str | None, typer.Option(help="Digest of the comparison that was seen.")] = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Approve exactly what a placement says now, and put it on record."""
    done = work(workspace, lambda ws: deciding.approve(ws, name, by, why, shown))
    if as_json:
        screen.emit(done)
        return
    screen.screen.print(f"Approved, and on record for {', '.join(done.parts)}: content {done.content}")
    screen.said(done.notes)


@app.command()
def pause(name: Name, workspace: Folder = HERE) -> None:
    """Show the generic variant to everybody."""
    work(workspace, lambda ws: deciding.pause(ws, name, paused=True))
    said = "Paused: everybody is shown the generic variant. `suasion placement resume` lets it go on."
    screen.screen.print(said)


@app.command()
def resume(name: Name, workspace: Folder = HERE) -> None:
    """Let a paused placement go on."""
    work(workspace, lambda ws: deciding.pause(ws, name, paused=False))
    screen.screen.print("Resumed.")


@app.command()
def report(name: Name, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Measure what a placement changed, by the chances of its own draw, and write the report."""
    made = work(workspace, lambda ws: streaming.report(ws, name))
    if as_json:
        screen.emit(made)
        return
    screen.said(made.sentences)
    rows = [
        (one.variant, f"{one.people:,}", one.effect.scaled(1000, digits=1) if one.effect else one.text)
        for one in made.variants
    ]
    screen.table("Variants", ("variant", "people", f"{made.about.outcome} more per 1,000"), rows)
    screen.said([f"Report: {workspace / 'reports' / f'placement-{name}.html'}"])


def _told(one: deciding.Shown) -> dict[str, Any]:
    approval, standing = one.standing.approval, one.standing
    return {
        "placement": one.placement,
        "label": one.label,
        "purpose": one.purpose,
        "channel": one.channel,
        "policy": one.policy,
        "variants": list(one.variants),
        "content": one.content,
        "approval": approval and {"by": approval[0], "at": approval[1].isoformat()},
        "parts": list(standing.parts),
        "stop": standing.stop,
        **challengers.told(one),
        "refused": {variant: list(map(str, told)) for variant, told in one.refused.items()},
    }


def _stands(one: deciding.Shown) -> str:
    return "yes" if one.standing.stop is None else f"no, {one.standing.stop}"
