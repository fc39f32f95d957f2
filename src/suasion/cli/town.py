"""``suasion town``: a simulated town, and its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.request import Request, urlopen

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.town import Answers, Effects, Town, answer, create

app = typer.Typer(help="Simulate a town whose true effects are known.", no_args_is_help=True)
PATIENCE = 30
"""Seconds to wait for the answer to a press."""


@app.command("create")
def create_town(
    folder: Annotated[Path, typer.Argument(help="Must not exist, or be empty.")],
    people: Annotated[int, typer.Option(help="Residents, 100 to 10,000,000.")] = 2000,
    seed: Annotated[int, typer.Option(help="Another seed is another town.")] = 1,
    effects: Annotated[Effects, typer.Option(help="What messages change.")] = Effects.VARIED,
) -> None:
    """Write the workspace of a town: residents, consents, a finished pilot, messages and a campaign."""
    create(folder, Town(people, seed, effects))
    show.screen.print(f"Wrote {escape(str(folder))}: a town of {people:,}. Next:")
    show.screen.print(f"  export SUASION_KEY=...   suasion run -w {escape(str(folder))}")


@app.command("answer")
def answer_mail(
    folder: Annotated[Path, typer.Argument(help="The town's workspace.")],
    seed: Annotated[int, typer.Option(help="Another seed, other answers.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Let residents react to the mails in the outbox; `suasion serve` must run to take their opt-outs."""
    done = answer(folder, press, datetime.now(UTC), seed)
    show.emit(done) if as_json else answered(done, folder)


def answered(done: Answers, folder: Path) -> None:
    """What came back, and where it lies."""
    heard = f"{done.unsubscribed} unsubscribed, {done.bounced} bounced, {done.complained} complained"
    show.screen.print(f"[bold]{done.mails:,} mails read[/bold]: {heard}; {done.came:,} residents came")
    show.screen.print(f"Who came: {escape(str(folder / 'answers' / 'register.csv'))}")


def press(url: str) -> bool:
    """Press unsubscribe as mailbox providers do (RFC 8058); True once that was acknowledged."""
    body = b"List-Unsubscribe=One-Click"
    try:
        with urlopen(Request(url, data=body, method="POST"), timeout=PATIENCE) as reply:
            return reply.status == 200
    except URLError:
        return False
