"""``suasion demo``: an example workspace, run from file to report."""

from __future__ import annotations

import os
import shutil
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.demo_town import demo_town
from suasion.cli.show import AsJson
from suasion.errors import MissingExtraError, RefusedError, SourceError
from suasion.workspace import Workspace, open_workspace

DATA = "SUASION_DATA"


class Example(StrEnum):
    """The workspaces under ``examples/``, and the simulated town."""

    CLINIC = "clinic"
    SHOP = "shop"
    TURNOUT = "turnout"
    TOWN = "town"


FILES = {Example.SHOP: "hillstrom.parquet", Example.TURNOUT: "ggl_turnout.parquet"}
REFUSED = {Example.CLINIC: "tested_positive"}
"""Segments that an example holds to show that they are refused."""


def demo(
    example: Annotated[
        Example | None, typer.Argument(help="By default clinic, then town; the others need real data.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the workspaces are written.")] = Path("demo"),
    as_json: AsJson = False,
) -> None:
    """Show the road: an experiment from file to report, then a town that is written to and answers."""
    done: dict[str, Any] = {}
    if example is not Example.TOWN:
        done |= _replay(example or Example.CLINIC, folder, quiet=as_json)
    if example in (None, Example.TOWN):
        done["town"] = demo_town(folder / Example.TOWN, quiet=as_json)
    if as_json:
        show.emit(done)


def _replay(example: Example, folder: Path, *, quiet: bool) -> dict[str, Any]:
    """Run an example on real data: whom a message would help, what a budget buys, and how sure that is."""
    target = folder / example
    _prepare(example, target)
    with show.progress() as say:
        workspace = open_workspace(target, say=say)
        done = workspace.run()
    refusals = [_refusal(workspace, name) for name in (REFUSED.get(example),) if name]
    if not quiet:
        show.reported(done, str(target / "reports" / f"{done.campaign}.html"))
        for refusal in refusals:
            show.screen.print(f"[yellow]refused[/yellow] {escape(refusal)}")
    return {"report": done, "refusals": refusals}


def _refusal(workspace: Workspace, segment: str) -> str:
    try:
        workspace.segment(segment)
    except RefusedError as error:
        return str(error)
    return f"segment '{segment}' was not refused"


def _prepare(example: Example, target: Path) -> None:
    """Copy the declarations of the example, and put its data where the mapping looks for them."""
    shutil.copytree(_examples() / example, target, dirs_exist_ok=True)
    if example is Example.CLINIC:
        _write_clinic(target / "sources" / "thornton_hiv.csv")
        return
    name = FILES[example]
    folder = Path(os.environ.get(DATA, Path(__file__).parents[4] / "shared" / "data"))
    if not (folder / name).is_file():
        todo = f"Put the file into a folder and name that by the variable {DATA}."
        raise SourceError(f"example '{example}'", f"{name} is not in {folder}", todo)
    shutil.copyfile(folder / name, target / "sources" / name)


def _examples() -> Path:
    inside = Path(__file__).parents[1] / "examples"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "examples"


def _write_clinic(path: Path) -> None:
    if find_spec("causaldata") is None:
        todo = "Install it: pip install 'suasion[demo]'."
        raise MissingExtraError("example 'clinic'", "the package causaldata is not installed", todo)
    trial: Any = import_module("causaldata.thornton_hiv")
    trial.load_pandas().data.to_csv(path, index=False)
