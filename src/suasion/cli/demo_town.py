"""The second half of ``suasion demo``: a town of 2,000, from its plan to mails, answers and lift."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from threading import Thread

from rich.markup import escape

from suasion.cli import show
from suasion.cli.town import answered, press
from suasion.measurement import Report
from suasion.server import serve
from suasion.town import Answers, Effects, Town, answer, create
from suasion.workspace import KEY, SendSummary, Workspace, open_workspace

PEOPLE, SEED = 2_000, 1
PATIENCE = 60
"""Seconds to wait for the server."""
SECRET = "demo"
"""Stands in where the environment holds no secret: these people do not exist."""


@dataclass(frozen=True)
class TownDemo:
    """What happened in the town."""

    sent: SendSummary
    again: SendSummary
    answers: Answers
    report: Report
    head: str


def demo_town(folder: Path, *, quiet: bool) -> TownDemo:
    """Walk the live road in a new town and tell each step."""
    tell = (lambda _: None) if quiet else show.screen.print
    if (folder / "town.toml").is_file():
        shutil.rmtree(folder)
    create(folder, Town(PEOPLE, SEED, Effects.VARIED))
    environment = {KEY: SECRET, **os.environ}
    workspace = open_workspace(folder, environment=environment)
    _at(folder, _served(workspace))
    workspace = open_workspace(folder, environment=environment)
    tell(f"\n[bold]A town of {PEOPLE:,}[/bold] (nobody in it exists). Its pilot, its plan, its mails:")
    workspace.run()
    workspace.approve("suasion demo", "to show how it works")
    sent = workspace.send()
    answers = answer(folder, press, datetime.now(UTC), SEED)
    workspace.record(folder / "answers" / "mail")
    workspace.record(folder / "answers" / "register.csv")
    again, made, checked = workspace.send(), workspace.report(), workspace.verify()
    if not quiet:
        show.sent(sent)
        answered(answers, folder)
        tell("The same campaign again:")
        show.sent(again)
        tell(f"[bold]{escape(made.sentences[0])}[/bold]")
        show.verified(checked)
        tell(f"Report: {escape(str(folder / 'reports' / f'{made.campaign}.html'))}")
        tell(f"Its pages: [dim]{KEY}={SECRET} suasion serve -w {escape(str(folder))}[/dim]")
    return TownDemo(sent, again, answers, made, checked.head)


def _served(workspace: Workspace) -> str:
    """Serve the workspace as long as this process lives; returns the address."""
    told = Queue[str]()
    speaking = replace(workspace, say=told.put)
    Thread(target=serve, args=(speaking,), kwargs={"port": 0}, daemon=True).start()
    return told.get(timeout=PATIENCE).removeprefix("serving on ")


def _at(folder: Path, url: str) -> None:
    """Let the links in the town's mails lead to this address."""
    path = folder / "suasion.toml"
    lines = path.read_text("utf-8").splitlines()
    kept = [f'public_url = "{url}"' if line.startswith("public_url") else line for line in lines]
    path.write_text("\n".join(kept) + "\n", "utf-8")
