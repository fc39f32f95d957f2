"""Keys of programs that ask the server."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.server import keys

app = typer.Typer(help="Keys of programs that ask `suasion serve`.", no_args_is_help=True)

KeyName = Annotated[str, typer.Argument(help="Who or what has the key.")]


@app.command()
def add(
    name: KeyName,
    scope: Annotated[list[keys.Scope], typer.Option(help="What it is good for; may be given several times.")],
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown now and never again."""
    made = work(workspace, lambda ws: keys.add(ws.folder, name, scope, ws.now()))
    print(json.dumps({"name": name, "key": made}) if as_json else made)


@app.command("list")
def listed(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show which keys there are, and what they are good for."""
    found = work(workspace, lambda ws: keys.listed(ws.folder))
    if as_json:
        told = {
            name: {"scopes": list(key.scopes), "added": key.added.isoformat()} for name, key in found.items()
        }
        print(json.dumps(told))
        return
    rows = [(name, ", ".join(key.scopes), f"{key.added:%Y-%m-%d}") for name, key in found.items()]
    show.table("Keys", ("name", "scopes", "added"), rows)


@app.command()
def remove(name: KeyName, workspace: Folder = HERE) -> None:
    """Let a key be good for nothing; servers that run know it within a second."""
    work(workspace, lambda ws: keys.remove(ws.folder, name))
