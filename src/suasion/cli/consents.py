"""``suasion consent``: what persons agree to, with evidence."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.ledger import said
from suasion.rules import Channel, Purpose
from suasion.workspace import opted_in

app = typer.Typer(help="What persons agree to: ask, withdraw, see what lacks evidence.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="KIND=VALUE, such as email=ada@example.org.")]
For = Annotated[Purpose, typer.Option(help="What they agree to messages about.")]


@app.command("ask")
def ask(
    person: Named,
    purpose: For,
    words: Annotated[Path, typer.Option(help="A file with the words they were shown, in UTF-8.")],
    capture: Annotated[str, typer.Option(help="How their answer was taken, such as 'web form'.")],
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day of it.")] = None,
    separate: Annotated[bool, typer.Option("--separate", help="Asked for this purpose alone.")] = False,
    written: Annotated[bool, typer.Option("--written", help="Signed or ticked by the person.")] = False,
    workspace: Folder = HERE,
) -> None:
    """Record a yes to e-mail, and mail the link that confirms it; until then it counts for nothing."""
    said = words.read_text("utf-8-sig")
    last = until.date() if until else None
    work(
        workspace,
        lambda ws: opted_in.ask(
            ws, person, purpose, said, capture, separate=separate, written=written, expires_on=last
        ),
    )
    show.screen.print("A link went to the address on file. It holds for 48 hours.")


@app.command("withdraw")
def withdraw(
    person: Named,
    purpose: For,
    channel: Annotated[Channel, typer.Option(help="How they do not want to be reached.")] = Channel.EMAIL,
    workspace: Folder = HERE,
) -> None:
    """Record a person's no. No file undoes it, only a new yes that they confirm."""
    others = work(workspace, lambda ws: opted_in.withdraw(ws, person, purpose, channel))
    show.screen.print("Withdrawn, and in force now.")
    if others:
        show.screen.print(
            f"{others} other person(s) have the same address, and what they said stands. "
            "If they want no messages either, withdraw for them, too."
        )


@app.command("lacking")
def lacking(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """List how many persons' yes counts as none, for want of wording, capture or time."""
    found = work(workspace, lambda ws: said.consents.unproven(ws.ledger))
    if as_json:
        show.emit(found)
        return
    for one in found:
        pair = f"{one.purpose} by {one.channel}"
        show.screen.print(f"{escape(one.source)}: {one.people:,} said yes to {pair} without evidence")
    if not found:
        show.screen.print("Every yes has its wording, how it was taken, and when.")
