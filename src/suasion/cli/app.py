"""The entry point: errors become one message and an exit code."""

from __future__ import annotations

import errno
import json
import os
import sys

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import OperationalError

from suasion.cli import (
    alarms,
    consents,
    demo,
    design,
    entry,
    geo,
    init,
    keys,
    live,
    person,
    placements,
    public,
    requests,
    restore,
    steps,
    town,
)
from suasion.errors import InputError, SuasionError

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
    live.review,
    live.preview,
    live.explain,
    live.approve,
    live.send,
    live.pause,
    live.resume,
    live.record,
    public.log,
    public.log_key,
    public.verify,
    entry.entry,
    public.serve,
    requests.audits,
    restore.restore,
    demo.demo,
    steps.doctor,
):
    app.command()(command)
app.add_typer(person.app, name="person")
app.add_typer(restore.app, name="passed")
app.add_typer(requests.app, name="requests")
app.add_typer(requests.breach_app, name="breach")
app.add_typer(consents.app, name="consent")
app.add_typer(placements.app, name="placement")
app.add_typer(alarms.app, name="alarms")
app.add_typer(keys.app, name="key")
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
        _tell(InputError("The system refused", str(getattr(error, "orig", error)), _todo(error)))
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


_TODOS = {
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG): "Free space on the disk, and run it again.",
    (errno.EACCES, errno.EPERM, errno.EROFS): "Let your user read and write there, or name another place.",
    (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST): "Check the path, and name another.",
    (errno.EADDRINUSE, errno.EADDRNOTAVAIL): "Give another --host or --port, or end what listens there.",
}


def _todo(error: OSError | OperationalError) -> str:
    """What to do about an error of the system."""
    number = getattr(error, "errno", None)
    otherwise = "Mend that, and run it again: nothing that was acknowledged is lost."
    return next((todo for numbers, todo in _TODOS.items() if number in numbers), otherwise)


def _tell(error: SuasionError) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red]{escape(error.asked)}[/red]: {escape(error.found)}.")
    console.print(f"{escape(error.todo)} [dim]\\[{error.code}][/dim]")
