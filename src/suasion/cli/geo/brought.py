"""What a campaign in places brought, from the design and the files that came back."""

from __future__ import annotations

from typing import Any

import numpy as np

from suasion.cli.geo.kept import Kept, history_of
from suasion.cli.geo.rows import Floats, Rows, panel_of, period_of
from suasion.cli.geo.told import Found, of_result
from suasion.errors import SourceError, UndefinedError
from suasion.experiments import geo
from suasion.stats import Estimate

THOUSAND = 1000


def brought(
    kept: Kept, rows: Rows, media: Rows, start: str | None, spend: str | None, impressions: str | None
) -> Found:
    """Compare treated places with the others.

    Parameters
    ----------
    kept : Kept
    rows : Rows
        Outcomes, before and during the campaign.
    media : Rows
        Spend and impressions; other places, and periods before the campaign, do not count.
    start : str, optional
        First period of the campaign; else the first after the design.
    spend, impressions : str, optional
        Columns of `media`.

    Returns
    -------
    Found

    Raises
    ------
    SourceError
        Files that do not fit the design.
    UndefinedError
        What `suasion.experiments.geo.compare` refuses.
    """
    panel = _panel(kept, rows)
    first, drawn = _start(kept, rows, panel, start), kept.design
    seen = geo.compare(panel, drawn, first)
    notes = _changed(kept, rows, panel)
    spent, per_spent, per_view = None, None, None
    if spend is not None:
        dose = _dose(kept, media, panel, first, spend)
        spent = float(dose[drawn.treated].sum())
        notes += _misplaced(drawn, dose, spend)
        per_spent = _per(panel, drawn, first, dose, spend, notes)
    if impressions is not None:
        dose = _dose(kept, media, panel, first, impressions)
        per_view = _per(panel, drawn, first, dose, impressions, notes)
    found = Found(
        effect=seen.effect,
        total=seen.total,
        p_value=seen.p_value,
        spent=spent,
        per_spent=per_spent,
        per_thousand=None if per_view is None else per_view.times(THOUSAND),
        notes=tuple(notes),
    )
    return of_result(found, kept, int((panel.periods >= first).sum()))


def _panel(kept: Kept, rows: Rows) -> geo.Panel:
    """The places of the design, in its order."""
    missing = sorted(set(kept.places) - set(rows.places.tolist()))
    if missing:
        found = f"no rows of {len(missing)} place(s) of the design, '{missing[0]}' among them"
        raise SourceError(f"file {rows.file}", found, "Give every place of the design, treated or not.")
    _same_kind(kept, rows)
    mine = rows.only(np.isin(rows.places, np.array(kept.places)))
    return panel_of(mine, kept.columns.outcome, dict(zip(kept.places, kept.sizes, strict=True)))


def _same_kind(kept: Kept, rows: Rows) -> None:
    if rows.kind != kept.kind:
        found = f"periods are {rows.kind}s, and those of the design {kept.kind}s"
        raise SourceError(f"file {rows.file}", found, "Write them as in the file of the design.")


def _start(kept: Kept, rows: Rows, panel: geo.Panel, start: str | None) -> Any:
    """The first period of the campaign."""
    last = period_of(kept.kind, kept.last, "the last period of the design")
    after = panel.periods[panel.periods > last]
    if not len(after):
        found = f"no period after {kept.last}, the last of the design"
        raise SourceError(f"file {rows.file}", found, "Add the outcomes of the campaign.")
    if start is None:
        return after[0]
    first = period_of(kept.kind, start, "--start")
    if first <= last:
        found = f"{start} is not after {kept.last}, the last period of the design"
        raise SourceError("--start", found, "Places are drawn before the campaign: give a later period.")
    return first


def _changed(kept: Kept, rows: Rows, panel: geo.Panel) -> list[str]:
    """What speaks for reading the result with care."""
    notes = list[str]()
    others = len(set(rows.places.tolist()) - set(kept.places))
    if others:
        notes.append(f"{others:,} place(s) of the file are not in the design and do not count.")
    early = panel.periods <= period_of(kept.kind, kept.last, "the last period of the design")
    before = geo.Panel(panel.places, panel.periods[early], panel.outcomes[:, early], panel.sizes)
    if history_of(before) != kept.history:
        notes.append("Outcomes before the campaign are not those from which the design was made.")
    return notes


def _dose(kept: Kept, media: Rows, panel: geo.Panel, first: Any, column: str) -> Floats:
    """An amount in each place of the panel, from the start on."""
    _same_kind(kept, media)
    given = media.only((media.periods >= first) & np.isin(media.places, np.array(panel.places)))
    amounts = given.known(column)
    given.refuse(amounts < 0, f"column '{column}' is below 0", "Give 0 or more.")
    return geo.summed(panel, given.places.tolist(), amounts)


def _misplaced(drawn: geo.GeoDesign, dose: Floats, column: str) -> list[str]:
    """Places where the campaign did not do what was drawn; they count as they were drawn."""
    none, other = int((dose[drawn.treated] == 0).sum()), int((dose[~drawn.treated] > 0).sum())
    notes = [f"'{column}' is 0 in {none:,} place(s) that were drawn for treatment."] if none else []
    return [*notes, *([f"'{column}' is above 0 in {other:,} place(s) that were not."] if other else [])]


def _per(
    panel: geo.Panel, drawn: geo.GeoDesign, first: Any, dose: Floats, column: str, notes: list[str]
) -> Estimate | None:
    """What one unit brought; where that is not defined, a note says why."""
    try:
        return geo.per_unit(panel, drawn, first, dose).effect
    except UndefinedError as error:
        notes.append(f"What 1 of '{column}' brought cannot be told: {error.found}.")
        return None
