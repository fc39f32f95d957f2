"""Look at a workspace and at what it runs on, and say what would go wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from suasion.errors import SuasionError
from suasion.ledger import Tables
from suasion.profiles import catalogue_from
from suasion.workspace.brief import brief, sources_from
from suasion.workspace.study import study
from suasion.workspace.workspace import KEY, Workspace

PACKAGES = ("duckdb", "lightgbm", "numba", "pyarrow", "sqlglot")


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
        Check(KEY, "set" if workspace.key else "not set: enough for replays"),
        _checked("traits", lambda: f"{len(catalogue_from(folder / 'traits'))} traits"),
        _checked("sources", lambda: _sources(folder)),
        *(_checked(f"campaign {name}", lambda name=name: _campaign(workspace, name)) for name in campaigns),
        *(_checked(f"inference {name}", lambda name=name: _inference(workspace, name)) for name in inferred),
        *(
            _checked(f"table {name}", lambda name=name: _table(tables, name))
            for name in sorted(tables.versions)
        ),
    )


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, look())
    except SuasionError as error:
        return Check(name, "problem", str(error))


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


def _table(tables: Tables, name: str) -> str:
    return f"version {tables.versions[name].version}, {tables.read(name, 'ingest').num_rows:,} rows"
