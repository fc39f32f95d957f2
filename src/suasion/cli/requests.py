"""``suasion requests``, ``breach`` and ``audits``: what persons ask for, what went wrong, who read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.errors import InputError
from suasion.ledger import said
from suasion.rights import audits as reads
from suasion.rights import breaches, requests, seals_of
from suasion.workspace import Workspace, asked

app = typer.Typer(help="What persons ask for, each with its clock.", no_args_is_help=False)
breach_app = typer.Typer(
    help="Breaches of personal data, with the clock of their report.", no_args_is_help=True
)
Number = Annotated[
    int, typer.Argument(min=1, max=2**31, help="Number of the request; see `suasion requests`.")
]
Named = Annotated[str, typer.Argument(help="KIND=VALUE, such as email=ada@example.org.")]

SAME = (
    "Taken in. Whoever is asking may be told this, and nothing else: if we hold anything of theirs, a link "
    "to confirm it goes to the address that we hold."
)


@app.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are answered, too.")] = False,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """List what is open, overdue requests first."""
    if context.invoked_subcommand is not None:
        return

    def read(ws: Workspace) -> tuple[tuple[requests.Request, ...], datetime]:
        return requests.queue(ws.ledger, ws.now(), everything=everything), ws.now()

    found, at = work(workspace, read)
    if as_json:
        show.emit([_row(one, at) for one in found])
        return
    rows = [
        (
            str(one.id),
            str(one.due_on),
            str(one.kind),
            one.state.replace("_", " "),
            _late(one, at),
            one.outcome or "",
        )
        for one in found
    ]
    show.table("Requests", ("no.", "due", "what", "state", "", "outcome"), rows)
    late = sum(one.is_overdue(at) for one in found)
    if late:
        show.screen.print(f"[red]overdue: {late}[/red]")


@app.command("open")
def opened(
    kind: Annotated[requests.RequestKind, typer.Argument(help="What is asked for.")],
    person: Named,
    detail: Annotated[str | None, typer.Option(help="What they wrote.")] = None,
    workspace: Folder = HERE,
) -> None:
    """Take in a request that came by letter, phone or at the desk; who asks is still to be shown."""
    work(workspace, lambda ws: asked.open_request(ws, kind, person, detail))
    show.screen.print(SAME)


@app.command("prove")
def prove(workspace: Folder = HERE) -> None:
    """Send a link to the address on file of everybody whose request waits to be confirmed."""
    failed = work(workspace, asked.ask_for_proof)
    show.screen.print(
        "Links went to all that wait." if not failed else "Links went to all that wait, but for:"
    )
    for number, reason in sorted(failed.items()):
        show.screen.print(f"  request {number}: {escape(reason)}")


@app.command("show")
def shown(number: Number, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show one request, with what the person wrote."""

    def read(ws: Workspace) -> tuple[requests.Request, str | None, datetime]:
        one = requests.request(ws.ledger, number)
        ws.reads(f"request {number}")
        return one, requests.detail_of(one, seals_of(ws.ledger, ws.key) if ws.key else None), ws.now()

    one, detail, at = work(workspace, read)
    row = {**_row(one, at), "detail": detail}
    if as_json:
        show.emit(row)
        return
    for name, value in row.items():
        show.screen.print(f"{name.replace('_', ' ')}: {escape(str(value)) if value is not None else ''}")


@app.command("verify")
def verify(
    number: Number,
    how: Annotated[str, typer.Option(help="How you know who asks, such as a call to the number on file.")],
    workspace: Folder = HERE,
) -> None:
    """Vouch for who asks, where the link could not tell."""
    if not any(map(str.isalnum, how)):
        raise InputError(f"request {number}", "it does not say how you know", "Say how: --how.")
    _moved(workspace, number, requests.RequestState.VERIFIED, verified_by=how)


@app.command("do")
def do(
    number: Number,
    trait: Annotated[str | None, typer.Option(help="Which trait to correct.")] = None,
    value: Annotated[str | None, typer.Option(help="To what; empty where it is to be unknown.")] = None,
    workspace: Folder = HERE,
) -> None:
    """Carry out what a machine can of a request."""
    done = work(workspace, lambda ws: asked.do(ws, number, trait, value))
    show.screen.print(escape(f"{done.state.replace('_', ' ')}: {done.outcome}"))


@app.command("answered")
def answered(
    number: Number,
    outcome: Annotated[str, typer.Option(help="What was done, and how the person was told.")],
    workspace: Folder = HERE,
) -> None:
    """Write down that the person has the answer."""
    _moved(workspace, number, requests.RequestState.ANSWERED, outcome)


@app.command("refuse")
def refuse(
    number: Number,
    why: Annotated[str, typer.Option(help="The reason, which the person must be told.")],
    workspace: Folder = HERE,
) -> None:
    """Refuse a request, with the reason."""
    _moved(workspace, number, requests.RequestState.REFUSED, why)


@app.command("wish")
def wish(
    kind: Annotated[said.wishes.WishKind, typer.Argument(help="What the person wishes.")],
    person: Named,
    amount: Annotated[int | None, typer.Option(help="Of `fewer`: messages in 30 days.")] = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="The person takes it back.")] = False,
    workspace: Folder = HERE,
) -> None:
    """Keep to what a person wishes, from now on."""
    kept = work(workspace, lambda ws: asked.wish(ws, kind, person, amount, take_back=take_back))
    show.screen.print("In force." if kept and not take_back else "Taken back." if kept else "There was none.")


def _moved(
    workspace: Folder,
    number: int,
    state: requests.RequestState,
    outcome: str | None = None,
    verified_by: str | None = None,
) -> None:
    moved = work(
        workspace,
        lambda ws: requests.move(ws.ledger, number, state, ws.now(), outcome, verified_by),
    )
    show.screen.print(f"Request {number} is {moved.state.replace('_', ' ')}.")


def _row(one: requests.Request, at: datetime) -> dict[str, object]:
    """Without what the person wrote, and without the person."""
    return {
        "id": one.id,
        "kind": str(one.kind),
        "state": str(one.state),
        "received_at": one.received_at.isoformat(),
        "due_on": one.due_on.isoformat(),
        "overdue": one.is_overdue(at),
        "rule": one.rule,
        "verified_by": one.verified_by,
        "answered_at": one.answered_at and one.answered_at.isoformat(),
        "outcome": one.outcome,
    }


def _late(one: requests.Request, at: datetime) -> str:
    return "OVERDUE" if one.is_overdue(at) else ""


@breach_app.command("add")
def add_breach(
    what: Annotated[str, typer.Argument(help="What happened, to which data; no values of persons.")],
    risk: Annotated[breaches.Risk, typer.Option(help="For the people concerned.")],
    people: Annotated[int | None, typer.Option(help="How many; leave out what is not known.")] = None,
    hours_ago: Annotated[float, typer.Option(min=0, help="Since when it is known here.")] = 0,
    workspace: Folder = HERE,
) -> None:
    """Write a breach down: the clock of 72 hours runs from when it is known."""

    def add(ws: Workspace) -> breaches.Breach:
        known = ws.now() - timedelta(hours=hours_ago)
        return breaches.add(ws.ledger, what, risk, known, people)

    made = work(workspace, add)
    show.screen.print(f"Breach {made.id}: report by {made.due_at:%Y-%m-%d %H:%M} UTC ({breaches.RULE}).")


@breach_app.command("list")
def list_breaches(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """The register, with what is still to be done."""
    found = work(workspace, lambda ws: [(one, one.owed(ws.now())) for one in breaches.register(ws.ledger)])
    if as_json:
        show.emit([_breach_row(one, owed) for one, owed in found])
        return
    rows = [
        (
            str(one.id),
            "" if one.people is None else f"{one.people:,}",
            one.risk,
            one.what,
            "; ".join(owed) or "done",
        )
        for one, owed in found
    ]
    show.table("Breaches", ("no.", "people", "risk", "what", "to do"), rows)


@breach_app.command("report")
def report_breach(
    number: Annotated[int, typer.Argument(help="Of the breach.")],
    to_people: Annotated[bool, typer.Option("--to-people", help="The people were told.")] = False,
    note: Annotated[str | None, typer.Option(help="To whom; and why, where it is late.")] = None,
    workspace: Folder = HERE,
) -> None:
    """Write down that the authority was told, or the people."""
    work(workspace, lambda ws: breaches.report(ws.ledger, number, ws.now(), to_people=to_people, note=note))
    show.screen.print("Written down.")


def _breach_row(one: breaches.Breach, owed: tuple[str, ...]) -> dict[str, object]:
    times = ("known_at", "due_at", "reported_at", "told_at")
    said = {name: at.astimezone(UTC).isoformat() if (at := getattr(one, name)) else None for name in times}
    return {"id": one.id, "what": one.what, "people": one.people, "risk": one.risk, **said, "owed": owed}


def audits(
    alarms: Annotated[bool, typer.Option("--alarms", help="Only reads that raised one.")] = False,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Who read data of persons, newest first."""
    found = work(workspace, lambda ws: reads.audits(ws.ledger, alarms=alarms))
    if as_json:
        show.emit(
            [
                {"who": n.who, "what": n.what, "people": n.people, "alarm": n.alarm, "at": n.at.isoformat()}
                for n in found
            ]
        )
        return
    rows = [
        (f"{n.at:%Y-%m-%d %H:%M}", f"{n.people:,}", n.who, n.what, "ALARM" if n.alarm else "") for n in found
    ]
    show.table("Reads of data of persons", ("at (UTC)", "people", "who", "what", ""), rows)
