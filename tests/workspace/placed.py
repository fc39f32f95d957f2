"""A small town whose site asks what to show: its workspace, with a placement on record."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import suasion
from suasion.town import Effects, Town, create
from suasion.workspace import Workspace, deciding

SECRET = {"SUASION_KEY": "a secret of the test"}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE = 600
NAME = "home"
HOLDOUT, BUS = 0.1, 0.75
PLACEMENT = f"""
label = "Top of the home page"
purpose = "public_health"
sponsor = "Town Health Office"
generic = "plain"
segment = "adults"
features = ["age", "visits", "distance"]
outcome = "Booked"
holdout = {HOLDOUT}
exploration = 0.05

[variants.plain]
value = "Welcome to the health office."
[variants.bus]
value = {{ title = "Come by bus", url = "/bus" }}
[variants.walk]
message = "checkup"
variant = "reminder"
value = "walk"

[policy]
kind = "fixed"
shares = {{ bus = {BUS}, walk = {1 - BUS} }}

[review]
by = "Ada"
on = 2026-10-01
exposes_third_persons = false
discourages_voting = false
"""


def opened(folder: Path, now: Callable[[], datetime] = lambda: NOW) -> Workspace:
    return suasion.open(folder, now=now, environment=SECRET)


def declared(folder: Path, people: int = PEOPLE) -> Path:
    """A town whose register holds answers about its site, too; nothing is read yet."""
    create(folder, Town(people, 3, Effects.VARIED))
    path = folder / "sources" / "residents.toml"
    said = path.read_text("utf-8")
    start, end = said.index("[[consents]]"), said.index("[[attest]]")
    site = said[start:end].replace('"email"', '"web"').replace("write to me by e-mail", "show me on its site")
    path.write_text(said[:end] + site + said[end:], "utf-8")
    (folder / "placements").mkdir()
    (folder / "placements" / f"{NAME}.toml").write_text(PLACEMENT, "utf-8")
    return folder


def on_record(base: Path) -> Path:
    """The town with its placement approved; made once a session, to be copied."""
    folder = base / "a town with a placement"
    if not folder.exists():
        ws = opened(declared(folder))
        ws.ingest()
        deciding.approve(ws, NAME, "Bea", "read it aloud")
    return folder


def copy(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))


def edit(path: Path, pattern: str, new: str) -> None:
    """Replace in a file what a pattern finds, once; it must find something."""
    text, n = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    assert n, f"{path.name} has nothing like {pattern}"
    path.write_text(text, "utf-8")


def everybody(people: int = PEOPLE) -> list[str]:
    return [f"member=R{number:07d}" for number in range(people)]


def decider(ws: Workspace) -> deciding.Decider:
    made = deciding.Decider(ws)
    made.refresh()
    return made


def persons(ws: Workspace) -> dict[str, int]:
    """The number of each resident, by how they are named."""
    rows = ws.tables().read("identities", "ingest")
    found = zip(
        rows["role"].to_pylist(),
        rows["kind"].to_pylist(),
        rows["value"].to_pylist(),
        rows["person"].to_pylist(),
        strict=True,
    )
    return {
        f"member={value}": person
        for role, kind, value, person in found
        if (role, kind) == ("identifier", "member")
    }
