"""The entry point: errors become one message and an exit code."""

from __future__ import annotations

import json
import os
import sys

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import OperationalError

from suasion.cli import demo, design, geo, init, live, person, public, steps, town
from suasion.errors import SuasionError

app = typer.Typer(
    help="Find whom a message truly helps, send it only where that is lawful, and prove what it changed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    init.init,
    design.power,
    steps.ingest,
    steps.segment,
    steps.infer,
    steps.score,
    steps.plan,
    steps.budget,
    steps.report,
    steps.run,
    live.preview,
    live.explain,
    live.approve,
    live.send,
    live.pause,
    live.resume,
    live.record,
    public.log,
    public.verify,
    public.serve,
    demo.demo,
    steps.doctor,
):
    app.command()(command)
app.add_typer(person.app, name="person")
app.add_typer(geo.app, name="geo")
app.add_typer(town.app, name="town")


def main() -> None:
    """Run the command line; exit code 2 is the user's to mend, 1 is ours."""
    try:
        app()
    except SuasionError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except (OSError, OperationalError) as error:
        # Paths and the words of the system or of SQLite: full disk, read-only, not permitted.
        cause = getattr(error, "orig", error)
        Console(stderr=True, soft_wrap=True).print(f"[red]The system refused[/red]: {escape(str(cause))}.")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "SUASION_DEBUG" in os.environ:
            raise
        kind = type(error).__name__
        where = "Run again with SUASION_DEBUG=1 for the place, and report it."
        # Not the message: it might quote a person's values.
        Console(stderr=True).print(f"[red]A fault in suasion[/red] ({kind}). {where}")
        sys.exit(1)


def _tell(error: SuasionError) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red]{escape(error.asked)}[/red]: {escape(error.found)}.")
    console.print(f"{escape(error.todo)} [dim]\\[{error.code}][/dim]")
