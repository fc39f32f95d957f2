"""``suasion alarms``: what goes wrong in flight, and the answer of who looked."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.workspace import streaming

app = typer.Typer(help="What goes wrong while placements and streams run.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def listed(context: typer.Context, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """List the alarms that stand, the oldest first."""
    if context.invoked_subcommand is not None:
        return
    found = work(workspace, lambda ws: streaming.steering.alarms(ws.ledger))
    if as_json:
        told = ("name", "about", "found", "todo")
        show.emit(
            [{**{one: getattr(each, one) for one in told}, "at": each.at.isoformat()} for each in found]
        )
        return
    for one in found:
        since = f"{one.at:%Y-%m-%d %H:%M} UTC"
        show.screen.print(f"[red]{escape(one.name)}[/red] of {escape(one.about)}, since {since}")
        show.screen.print(f"  {escape(one.found)}. {escape(one.todo)}")
    if not found:
        show.screen.print("no alarm stands")


@app.command()
def answer(
    name: Annotated[str, typer.Argument(help="Of the alarm, such as sample_ratio.")],
    about: Annotated[str, typer.Argument(help="What it is about, such as placement:home.")],
    by: Annotated[str, typer.Option(help="Who looked.")],
    why: Annotated[str, typer.Option(help="What they found, or did.")],
    workspace: Folder = HERE,
) -> None:
    """End an alarm; what is counted for it is counted anew from now on."""
    work(workspace, lambda ws: streaming.steering.answer(ws.ledger, name, about, by, why, ws.now()))
    show.screen.print("Answered, and in the log.")
