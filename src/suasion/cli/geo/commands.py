"""The commands: draw which places are treated, and say afterwards what that brought."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from suasion.cli import show
from suasion.cli.geo import told
from suasion.cli.geo.brought import brought
from suasion.cli.geo.kept import Columns, Kept, keep, read_kept
from suasion.cli.geo.rows import panel_of, rows_of, sizes_of
from suasion.cli.show import AsJson
from suasion.experiments import geo

app = typer.Typer(
    help="Campaigns in places, for media in which nobody can be held out.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="CSV or Parquet, with a row for each place and period.")]


@app.command()
def design(
    file: File,
    place: Annotated[str, typer.Option(help="Column of the place.")],
    period: Annotated[str, typer.Option(help="Column of the period: dates, or whole numbers.")],
    outcome: Annotated[str, typer.Option(help="Column of what is hoped for: sales, visits.")],
    salt: Annotated[str, typer.Option(help="Name of the experiment; another one is another draw.")],
    population: Annotated[str | None, typer.Option(help="Column of the people of each place.")] = None,
    share: Annotated[float, typer.Option(help="Of the places that are treated.", min=0, max=1)] = 0.5,
    threshold: Annotated[float, typer.Option(help="Most imbalance, in standard deviations.")] = 0.25,
    lasts: Annotated[
        int | None, typer.Option(help="Periods of the campaign; else a quarter of those in the file.", min=1)
    ] = None,
    to: Annotated[Path, typer.Option(help="File to write; it must not exist.")] = Path("design.json"),
    as_json: AsJson = False,
) -> None:
    """Draw the places to treat among balanced assignments, and say what effect that could find."""
    rows = rows_of(file, place, period, [outcome, *([population] if population else [])])
    before = panel_of(rows, outcome, sizes_of(rows, population) if population else None)
    drawn = geo.constrained(before, round(share * len(before.places)), salt, threshold=threshold)
    length = lasts or max(1, len(before.periods) // 4)
    power = _power(before, drawn, length, salt)
    columns = Columns(place=place, period=period, outcome=outcome, population=population)
    kept = keep(columns, rows.kind, before, drawn, power, length, salt, threshold)
    kept.write(to)
    if as_json:
        show.emit({"file": str(to), "sentences": told.of_design(kept), **_summary(kept)})
    else:
        show.said((*told.of_design(kept), f"Wrote {to}. Keep it: `suasion geo analyze` reads it."))


@app.command()
def analyze(
    file: File,
    design: Annotated[Path, typer.Option(help="The file that `suasion geo design` wrote.")],
    spend: Annotated[str | None, typer.Option(help="Column of money spent.")] = None,
    impressions: Annotated[str | None, typer.Option(help="Column of impressions.")] = None,
    media: Annotated[Path | None, typer.Option(help="File of these, if it is another.")] = None,
    start: Annotated[str | None, typer.Option(help="First period of the campaign.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the campaign brought, by what other draws would have shown."""
    kept = read_kept(design)
    amounts = [column for column in (spend, impressions) if column]
    columns = kept.columns
    here = [columns.outcome, *(amounts if media is None else [])]
    rows = rows_of(file, columns.place, columns.period, here)
    reported = rows if media is None else rows_of(media, columns.place, columns.period, amounts)
    found = brought(kept, rows, reported, start, spend, impressions)
    show.emit(found) if as_json else show.said((*found.sentences, *found.notes))


def _power(before: geo.Panel, drawn: geo.GeoDesign, length: int, salt: str) -> geo.Power:
    """What the design finds, played in the time before with nearly as much of it to learn from."""
    known = max(1, len(before.periods) - 2 * length)
    seed = int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest())
    return geo.placebo(before, drawn, known, length, np.zeros(0), np.random.default_rng(seed))


def _summary(kept: Kept) -> dict[str, object]:
    """The design without its long lists."""
    return kept.model_dump(mode="json", exclude={"assignments", "places", "sizes"})
