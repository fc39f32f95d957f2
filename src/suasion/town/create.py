"""Write a town's workspace: declarations, and files as a real source would give them."""

from __future__ import annotations

from pathlib import Path
from string import Template

from suasion.errors import WorkspaceError
from suasion.town.rows import pilot_numbers, pilot_rows, resident_rows, visit_rows
from suasion.town.stream import chunks, write_csv
from suasion.town.town import FILE, Town, town_text

_DECLARED = Path(__file__).parent / "declared"
_BUDGET = 0.01
"""Euro a resident."""


def create(folder: Path, town: Town) -> None:
    """Write a workspace whose people are the town's residents.

    The sources are ``residents.csv`` (the town's register, with consents), ``visits.csv`` (one row a past
    visit) and ``pilot.csv`` (a finished experiment on a random sample); the campaign is ``checkup``. The
    same town gives the same bytes, and of two towns with one seed the smaller has the first residents of
    the larger. No file tells a true effect: `chances` does.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    town : Town

    Raises
    ------
    WorkspaceError
        The folder holds something already.

    Examples
    --------
    >>> import tempfile
    >>> from suasion.town import Effects, Town, town_from
    >>> folder = Path(tempfile.mkdtemp())
    >>> create(folder, Town(people=100, seed=1, effects=Effects.VARIED))
    >>> town_from(folder).people
    100
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError(f"a town in {folder}", "the folder is not empty", "Name another folder.")
    for path in sorted(_DECLARED.rglob("*.toml")):
        target = folder / path.relative_to(_DECLARED)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template(path.read_text("utf-8")).substitute(budget=f"{_BUDGET * town.people:.2f}")
        target.write_text(text, "utf-8")
    (folder / FILE).write_text(town_text(town), "utf-8")
    sources = folder / "sources"
    write_csv(sources / "residents.csv", (resident_rows(town, some) for some in chunks(town.people)))
    write_csv(sources / "visits.csv", (visit_rows(town, some) for some in chunks(town.people)))
    write_csv(sources / "pilot.csv", [pilot_rows(town, pilot_numbers(town))])
