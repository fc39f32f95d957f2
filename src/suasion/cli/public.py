"""The public side: the log, its verification, and the pages of recipients and of everybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.cli.steps import HERE, Folder, work
from suasion.disclosure import Verified, line_of
from suasion.disclosure import saved as checks
from suasion.errors import InputError
from suasion.server import serve as serve_workspace
from suasion.workspace import open_workspace

_KEY = "Give --key NAME+ID+KEY, as the sponsor publishes it: `suasion log-key` prints it."
_UNSIGNED = (
    "whose log it is, and that no row was written anew or cut off: whoever gave you the file could have. "
    f"Give --checkpoint FILE as well. {_KEY}"
)


def log(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show the public log; with --json as the lines that `suasion verify --log` checks."""
    rows = work(workspace, lambda ws: ws.log())
    if as_json:
        for row in rows:
            print(line_of(row))
        return
    shown = [(row.at[:19], str(row.position), f"{row.kind} {row.campaign}", row.hash) for row in rows]
    show.table("Log", ("at (UTC)", "", "what", "hash"), shown)


def log_key(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Show the public key by which everybody can check the log, and its checkpoint as it stands."""
    key, note = work(workspace, lambda ws: (ws.log_key(), ws.checkpoint()))
    if as_json:
        print(json.dumps({"key": key, "checkpoint": note}))
        return
    print(f"{key}\n\n{note}", end="")


def verify(
    saved: Annotated[Path | None, typer.Option("--log", help="A log saved as JSON lines, alone.")] = None,
    receipt: Annotated[Path | None, typer.Option(help="A receipt saved as JSON, alone.")] = None,
    proof: Annotated[Path | None, typer.Option(help="A proof saved as JSON, alone.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint of the log, saved.")] = None,
    earlier: Annotated[
        list[Path] | None, typer.Option(help="An earlier checkpoint; may be given several times.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The public key of the log: NAME+ID+KEY.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the page that checks the same to this file.")
    ] = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Check the log, checkpoints, proofs and receipts; nothing was sent before it was on record."""
    if page is not None:
        page.write_text(checks.page(), "utf-8")
        return
    notes = [_text(path) for path in (checkpoint, *(earlier or [])) if path is not None]
    signed = [path for path in (receipt, proof, checkpoint, *(earlier or [])) if path is not None]
    if not (key or saved or receipt or proof) and (not signed or (workspace / "suasion.toml").exists()):
        found = work(workspace, lambda ws: ws.verify(notes))
    else:
        found = _alone(saved, receipt or proof, notes, _key_for(signed, key))
    show.emit(found) if as_json else show.verified(found)
    if found.problems:
        raise typer.Exit(1)


def _key_for(signed: Sequence[Path], key: str | None) -> str:
    """The key, without which nothing that is signed can be checked."""
    if signed and not key:
        files = ", ".join(path.name for path in signed)
        found = "nothing was checked: --key is missing, and anybody could have signed it"
        raise InputError(f"a check of {files}", found, _KEY)
    return key or ""


def _alone(log_file: Path | None, proof: Path | None, notes: list[str], key: str) -> Verified:
    """Check what was saved, without a workspace."""
    if proof is not None:
        return checks.verify_proof(_text(proof), key, notes)
    if log_file is None:
        return checks.verify_notes(notes, key)
    # What is not UTF-8 is damage of the line that holds it.
    with log_file.open(encoding="utf-8", errors="surrogateescape") as lines:
        found = checks.verify_lines(lines, notes, key)
    return found if notes else replace(found, unchecked=(*found.unchecked, _UNSIGNED))


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="surrogateescape")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    workspace: Folder = HERE,
) -> None:
    """Take events, decide what to show, answer opt-outs, and show why-me and the log."""
    opened = open_workspace(workspace, say=lambda line: show.screen.print(escape(line)))
    serve_workspace(opened, host, port, workers)
