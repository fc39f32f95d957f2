"""``suasion person``: the rights of one person."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work

app = typer.Typer(help="Export or erase one person.", no_args_is_help=True)
Named = Annotated[
    str, typer.Argument(help="KIND=VALUE, such as email=ada@example.org, or the person's number.")
]


@app.command("export")
def export_person(person: Named, workspace: Folder = HERE) -> None:
    """Print all that is held of a person, over all stages, as JSON."""
    held = work(workspace, lambda ws: ws.export_person(person))
    print(json.dumps(held, ensure_ascii=False, indent=1))


@app.command("erase")
def erase_person(
    person: Named,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Erase a person everywhere, and certify what is done and what is due."""
    if not yes:
        typer.confirm("Rows are cut out of files; it cannot be undone. Erase this person?", abort=True)
    made = work(workspace, lambda ws: ws.erase_person(person)).as_dict()
    if as_json:
        show.emit(made)
        return
    for line in made["done"]:
        show.screen.print(f"[green]done[/green] {escape(line)}")
    for due in made["due"]:
        show.screen.print(
            f"[yellow]due by {due['by']}[/yellow] {escape(due['what'])}: {escape(due['where'])}"
        )
