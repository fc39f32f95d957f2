"""``suasion restore`` and ``suasion passed``: after a backup was put back, and what others were asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.errors import InputError
from suasion.workspace import Workspace

app = typer.Typer(help="What others were asked to delete, and what they answered.", no_args_is_help=True)
Request = Annotated[int, typer.Argument(min=1, max=2**31, help="Number of the request.")]


def restore(
    journal: Annotated[Path | None, typer.Option(help="A copy of suppressions.journal.")] = None,
    without_journal: Annotated[bool, typer.Option("--without-journal", help="No copy is left.")] = False,
    by: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    why: Annotated[str, typer.Option(help="Why nobody who opted out will be written to.")] = "",
    workspace: Folder = HERE,
) -> None:
    """Let a workspace send again after a backup was put back without its journal of opt-outs and erasures."""
    if (journal is None) is not without_journal:
        raise InputError("a restore", "neither a journal nor --without-journal, or both", "Give one of them.")
    if journal is None:
        work(workspace, lambda ws: ws.restore_without_journal(by, why))
        show.screen.print("A journal was begun anew; the log says who answers for it.")
        return
    lines = work(workspace, lambda ws: ws.restore_journal(journal))
    show.screen.print(f"The journal has {lines:,} lines, and all are in force.")


@app.command("list")
def listed(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show every request that was passed on."""
    made = work(workspace, Workspace.passed)
    if as_json:
        show.emit([{**vars(one), "at": one.at.isoformat(), "address": one.address.hex()} for one in made])
        return
    for one in made:
        show.screen.print(f"{one.id} {one.at.date()} {escape(one.recipient)}: {one.kind} {one.state}")


@app.command()
def confirm(request: Request, workspace: Folder = HERE) -> None:
    """Note that a recipient confirmed a request."""
    _note(workspace, request, "confirmed")


@app.command()
def refuse(request: Request, workspace: Folder = HERE) -> None:
    """Note that a recipient refused a request."""
    _note(workspace, request, "refused")


def _note(workspace: Path, request: int, state: Literal["confirmed", "refused"]) -> None:
    made = work(workspace, lambda ws: ws.answered(request, state))
    show.screen.print(f"Request {made.id} to {escape(made.recipient)}: {made.state}.")
