"""One command for each step of the road."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.rules import Purpose
from suasion.workspace import Workspace, examine, open_workspace

Folder = Annotated[Path, typer.Option("--workspace", "-w", help="The workspace's folder.")]
CampaignName = Annotated[str | None, typer.Argument(help="Campaign; may be left out if there is one.")]
HERE = Path()
T = TypeVar("T")


def work(folder: Path, step: Callable[[Workspace], T]) -> T:
    """Take a step on a workspace, showing its progress."""
    with show.progress() as say:
        return step(replace(open_workspace(folder, say=say), who=_user()))


def _user() -> str:
    """Who types, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def ingest(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Read all sources: good rows go on, bad rows are kept with line and reason."""
    done = work(workspace, lambda ws: ws.ingest())
    show.emit(done) if as_json else show.ingested(done)


def segment(
    name: Annotated[str, typer.Argument(help="File in segments/, without .toml.")],
    purpose: Annotated[Purpose | None, typer.Option(help="Other than the workspace's own.")] = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Count a segment: matches, permitted now, reachable by channel."""
    done = work(workspace, lambda ws: ws.segment(name, purpose))
    show.emit(done) if as_json else show.counted(name, done)


def infer(
    name: Annotated[str, typer.Argument(help="File in inferences/, without .toml.")],
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Learn who is likely to act, or who is like those on a list, and store it as a trait."""
    done = work(workspace, lambda ws: ws.infer(name))
    if as_json:
        print(json.dumps(done.as_dict(), ensure_ascii=False, indent=1))
        return
    show.carded(done, str(workspace / "reports" / f"card-{name}.html"))


def score(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Estimate what each treatment would change for each permitted person."""
    done = work(workspace, lambda ws: ws.score(campaign))
    show.emit(done) if as_json else show.scored(done)


def plan(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Plan within the budget and draw once."""
    done = work(workspace, lambda ws: ws.plan(campaign))
    show.emit(done) if as_json else show.planned(done)


def budget(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Say what other budgets would buy, and where to stop."""
    done = work(workspace, lambda ws: ws.budget(campaign))
    show.emit(done) if as_json else show.said(done.sentences)


def report(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Judge the plan on people it was not learned from, and write the report."""
    done = work(workspace, lambda ws: ws.report(campaign))
    show.emit(done) if as_json else show.reported(done, str(workspace / "reports" / f"{done.campaign}.html"))


def run(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Ingest, score, plan and report in one go."""
    done = work(workspace, lambda ws: ws.run(campaign))
    show.emit(done) if as_json else show.reported(done, str(workspace / "reports" / f"{done.campaign}.html"))


def doctor(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Check packages, declarations, sources and stored tables."""
    checks = work(workspace, examine)
    show.emit(checks) if as_json else show.examined(checks)
    if any(check.problem for check in checks):
        raise typer.Exit(2)
