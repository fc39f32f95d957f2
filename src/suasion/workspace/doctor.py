"""Look at a workspace and at what it runs on, and say what would go wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from suasion.errors import SuasionError
from suasion.ledger import Tables, said
from suasion.profiles import catalogue_from
from suasion.rights import audits, breaches, requests
from suasion.workspace import streaming
from suasion.workspace.brief import brief, sources_from
from suasion.workspace.study import study
from suasion.workspace.workspace import KEY, Workspace

SHORTEST_KEY = 16
PACKAGES = ("duckdb", "lightgbm", "numba", "pyarrow", "sqlglot")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `problem` is None where nothing is wrong."""

    name: str
    found: str
    problem: str | None = None


def examine(workspace: Workspace) -> tuple[Check, ...]:
    """Check packages, declarations, sources and stored tables.

    Parameters
    ----------
    workspace : Workspace

    Returns
    -------
    tuple of Check
    """
    folder = workspace.folder
    campaigns = workspace.campaigns
    inferred = sorted(path.stem for path in (folder / "inferences").glob("*.toml"))
    tables = workspace.tables()
    return (
        Check("python", sys.version.split()[0]),
        *(_package(name) for name in PACKAGES),
        _key(workspace, os.environ.get(KEY, "")),
        _checked("traits", lambda: f"{len(catalogue_from(folder / 'traits'))} traits"),
        _checked("sources", lambda: _sources(folder)),
        Check("consents", _consents(workspace)),
        _requests(workspace),
        _breaches(workspace),
        _audits(workspace),
        _alarms(workspace),
        *(_checked(f"campaign {name}", lambda name=name: _campaign(workspace, name)) for name in campaigns),
        *(_checked(f"inference {name}", lambda name=name: _inference(workspace, name)) for name in inferred),
        *(_checked(f"table {name}", lambda name=name: _table(tables, name)) for name in tables.names()),
    )


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, look())
    except SuasionError as error:
        return Check(name, "problem", str(error))


def _key(workspace: Workspace, secret: str) -> Check:
    if not workspace.key:
        return Check(KEY, "not set: enough for replays")
    if 0 < len(secret) < SHORTEST_KEY:
        problem = f"Take a secret of at least {SHORTEST_KEY} characters: who guesses it can make every link."
        return Check(KEY, "set, and short", problem)
    return Check(KEY, "set")


def _package(name: str) -> Check:
    try:
        return Check(name, version(name))
    except PackageNotFoundError:
        return Check(name, "missing", f"Package {name} is not installed: install suasion again.")


def _sources(folder: Path) -> str:
    sources = sources_from(folder)
    absent = [source.file for source in sources if not (folder / "sources" / source.file).is_file()]
    return f"{len(sources)} sources" + (f"; file not there: {', '.join(absent)}" if absent else "")


def _campaign(workspace: Workspace, name: str) -> str:
    made = brief(workspace.folder, workspace.settings, name, workspace.now())
    return f"{len(made.design.treatments)} arms, {len(made.refused)} refused"


def _inference(workspace: Workspace, name: str) -> str:
    made = study(workspace.folder, workspace.settings, name, workspace.now())
    return f"a {made.inference.kind}, stored as {made.inference.trait}"


def _consents(workspace: Workspace) -> str:
    """Whose yes counts as none."""
    told = (
        f"{one.people:,} in {one.source} ({one.purpose} by {one.channel})"
        for one in said.consents.unproven(workspace.ledger)
    )
    listed = ", ".join(told)
    return (
        f"said yes without evidence, which counts as none: {listed}" if listed else "every yes has evidence"
    )


def _requests(workspace: Workspace) -> Check:
    at = workspace.now()
    found = requests.queue(workspace.ledger, at)
    late = sum(one.is_overdue(at) for one in found)
    problem = f"{late:,} overdue: look at `suasion requests`" if late else None
    return Check("requests", f"{len(found):,} open", problem)


def _breaches(workspace: Workspace) -> Check:
    owed = [one.id for one in breaches.register(workspace.ledger) if one.owed(workspace.now())]
    problem = f"{len(owed)} not reported yet: look at `suasion breach list`" if owed else None
    return Check("breaches", "nothing to be reported", problem)


def _audits(workspace: Workspace) -> Check:
    alarms = audits.alarms_since(workspace.ledger, workspace.now() - WEEK)
    problem = f"{alarms:,} unusual reads in a week: look at `suasion audits --alarms`" if alarms else None
    return Check("audits", "no unusual read of data of persons in a week", problem)


def _alarms(workspace: Workspace) -> Check:
    found = streaming.steering.alarms(workspace.ledger)
    names = ", ".join(f"{one.name} of {one.about}" for one in found)
    problem = f"{names}: look at `suasion alarms`" if found else None
    return Check("alarms", "no alarm stands", problem)


def _table(tables: Tables, name: str) -> str:
    return f"version {tables.versions[name].version}, {tables.read(name, 'ingest').num_rows:,} rows"
