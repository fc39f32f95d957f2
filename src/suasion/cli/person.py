"""``suasion person``: the rights of one person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.errors import InputError
from suasion.workspace import asked

app = typer.Typer(help="Export or erase one person.", no_args_is_help=True)
Named = Annotated[
    str, typer.Argument(help="KIND=VALUE, such as email=ada@example.org, or the person's number.")
]


@app.command("export")
def export_person(
    person: Named,
    to: Annotated[Path | None, typer.Option(help="A folder for data.json and index.html, to read.")] = None,
    workspace: Folder = HERE,
) -> None:
    """Print all that is held of a person, over all stages, as JSON; or write it, with a page to read."""
    package = work(workspace, lambda ws: ws.access(person))
    if to is None:
        print(json.dumps(package.as_dict(), ensure_ascii=False, indent=1))
        return
    asked.write_package(package, to)
    show.screen.print(f"Written: {escape(str(to / 'index.html'))}")


@app.command("erase")
def erase_person(
    person: Annotated[str | None, typer.Argument(help="Who; left out with --finish.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Complete erasures that were begun.")] = False,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Erase a person everywhere, and certify which stage is reached, what is done and what is due."""
    if finish is not (person is None):
        todo = "Name a person as KIND=VALUE or by number, or give --finish."
        raise InputError("an erasure", "neither a person nor --finish, or both", todo)
    if not (yes or finish):
        typer.confirm("Rows are cut out of files; it cannot be undone. Erase this person?", abort=True)
    if person is None:
        made = work(workspace, lambda ws: ws.finish_erasures())
    else:
        made = (work(workspace, lambda ws: ws.erase_person(person)),)
    if as_json:
        show.emit([one.as_dict() for one in made] if finish else made[0].as_dict())
        return
    for one in made:
        _certified(one.as_dict())
    if not made:
        show.screen.print("Every erasure is complete.")


def _certified(made: dict[str, Any]) -> None:
    show.screen.print(f"[bold]stage {made['stage']} of 3[/bold]")
    for line in made["done"]:
        show.screen.print(f"[green]done[/green] {escape(line)}")
    for one in made["asked"]:
        show.screen.print(f"[cyan]{one['state']}[/cyan] {escape(one['recipient'])}")
    for due in made["due"]:
        show.screen.print(
            f"[yellow]due by {due['by']}[/yellow] {escape(due['what'])}: {escape(due['where'])}"
        )
