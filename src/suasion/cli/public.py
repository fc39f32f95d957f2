"""The public side: the log, its verification, and the pages of recipients and of everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.disclosure import line_of, verify_lines
from suasion.server import serve as serve_workspace
from suasion.workspace import open_workspace


def log(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show the public log; with --json as the lines that `suasion verify --log` checks."""
    rows = work(workspace, lambda ws: ws.log())
    if as_json:
        for row in rows:
            print(line_of(row))
        return
    shown = [(row.at[:19], str(row.position), f"{row.kind} {row.campaign}", row.hash) for row in rows]
    show.table("Log", ("at (UTC)", "", "what", "hash"), shown)


def verify(
    saved: Annotated[Path | None, typer.Option("--log", help="A log saved as JSON lines, alone.")] = None,
    head: Annotated[str | None, typer.Option(help="A hash of the log that was published earlier.")] = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Check that the log is what was appended, and that nothing was sent before it was on record."""
    if saved is None:
        found = work(workspace, lambda ws: ws.verify(head))
    else:
        # What is not UTF-8 is damage of the line that holds it.
        with saved.open(encoding="utf-8", errors="surrogateescape") as lines:
            found = verify_lines(lines, head)
    show.emit(found) if as_json else show.verified(found)
    if found.problems:
        raise typer.Exit(1)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workspace: Folder = HERE,
) -> None:
    """Answer opt-outs, and show recipients why they were written to, and everybody the log."""
    opened = open_workspace(workspace, say=lambda line: show.screen.print(escape(line)))
    serve_workspace(opened, host, port)
