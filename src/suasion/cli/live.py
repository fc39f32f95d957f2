"""The commands of a live campaign: review, preview, explain, approve, send, pause, resume, record."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, CampaignName, Folder, work


def review(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Say what words find in the messages, and which rules refuse them."""
    done = work(workspace, lambda ws: ws.review(campaign))
    show.emit(done) if as_json else show.reviewed(done)


def preview(
    person: Annotated[str, typer.Argument(help="KIND=VALUE, for example member=R0000123.")],
    campaign: CampaignName = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what a person would read, treatment by treatment."""
    done = work(workspace, lambda ws: ws.preview(person, campaign))
    show.emit(done) if as_json else show.previewed(done)


def explain(
    person: Annotated[str, typer.Argument(help="KIND=VALUE, for example member=R0000123.")],
    campaign: CampaignName = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Tell a person why: what moved the score, and the nearest change that would alter the decision."""
    done = work(workspace, lambda ws: ws.explain(person, campaign))
    show.emit(done) if as_json else show.said(done.sentences)


def approve(
    by: Annotated[str, typer.Option(help="Who agrees.")],
    why: Annotated[str, typer.Option(help="On what grounds.")],
    campaign: CampaignName = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Prove what a campaign says for everybody it was drawn for, and approve exactly that."""
    content = work(workspace, lambda ws: ws.approve(by, why, campaign))
    show.emit({"content": content}) if as_json else show.screen.print(f"Approved: content {content}")


def send(campaign: CampaignName = None, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Send what is planned and approved; again after a stop or crash: nobody is written to twice."""
    done = work(workspace, lambda ws: ws.send(campaign))
    show.emit(done) if as_json else show.sent(done)


def pause(campaign: CampaignName = None, workspace: Folder = HERE) -> None:
    """Stop a campaign at once, wherever it is being sent from."""
    work(workspace, lambda ws: ws.pause(campaign))
    show.screen.print("Paused: nothing more is handed over. `suasion resume` lets it go on.")


def resume(campaign: CampaignName = None, workspace: Folder = HERE) -> None:
    """Let a paused campaign go on."""
    work(workspace, lambda ws: ws.pause(campaign, paused=False))
    show.screen.print("Resumed: `suasion send` goes on.")


def record(
    path: Annotated[Path, typer.Argument(help="A file of outcomes, or a Maildir of replies.")],
    campaign: CampaignName = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Take in what came back: who did what was hoped for; bounces, complaints, requests to stop."""
    done = work(workspace, lambda ws: ws.record(path, campaign))
    show.emit(done) if as_json else show.recorded(asdict(done))
