"""The report of a placement, from who was exposed and what they did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import placement as declared
from suasion.disclosure import counts, record_result, result_of
from suasion.learning import steering
from suasion.ledger import Ledger, Tables
from suasion.measurement import exposed, placements
from suasion.workspace.deciding.prepare import Prepared, prepare
from suasion.workspace.deciding.standing import standing_of
from suasion.workspace.streaming import shown
from suasion.workspace.workspace import Workspace

HOUR = 3600.0


def report(workspace: Workspace, name: str) -> placements.PlacementReport:
    """Say what a placement changed, as far as the horizons of those who saw it have passed.

    Parameters
    ----------
    workspace : Workspace
    name : str

    Returns
    -------
    PlacementReport
        Also written to ``reports/placement-NAME.html`` and ``.json``; what it changed goes into the log,
        where that is known and enough people are measured to be told of.

    Raises
    ------
    InputError
        There is no such placement, or it is malformed.
    """
    at = workspace.now()
    prepared = prepare(workspace.folder, workspace.settings, name, at)
    made = reported(workspace.tables(), prepared, at)
    _write(workspace.folder / "reports", made)
    _record(workspace.ledger, prepared, made, at)
    return made


def reported(tables: Tables, prepared: Prepared, at: datetime) -> placements.PlacementReport:
    """The report from these tables; nothing is written."""
    placement = prepared.placement
    seen = shown.exposures(tables, placement.name)
    came = shown.rewards(tables, placement.name, [placement.outcome])
    seen = seen.filter(pc.invert(pc.is_in(seen["person"], value_set=shown.unwilling(tables))))
    over = np.asarray(seen["at"].to_numpy()) + HOUR * placement.horizon_hours <= at.timestamp()
    measured = seen.filter(pa.array(over)).sort_by([("at", "ascending"), ("person", "ascending")])
    return placements.report(
        _about(prepared),
        _exposed(placement, measured, came),
        exposed=seen.num_rows,
        waiting=int((~over).sum()),
        at=at.isoformat(timespec="seconds"),
        unlike=_unlike(placement, seen),
        inputs=f"{seen.num_rows} exposures, {came.num_rows} outcomes, content {prepared.content}",
    )


def _about(prepared: Prepared) -> placements.About:
    one = prepared.placement
    return placements.About(
        placement=one.name,
        label=one.label,
        sponsor=one.sponsor,
        purpose=str(one.purpose),
        outcome=one.outcome,
        generic=one.generic,
        currency=prepared.settings.currency,
        horizon_hours=one.horizon_hours,
        holdout=one.holdout,
        exploration=one.exploration,
    )


def _unlike(placement: declared.Placement, seen: pa.Table) -> str | None:
    """What speaks against comparing at all: variants are not seen as often as they were drawn."""
    told = seen["variant"].to_pylist()
    # Variants that are no more were drawn, too: without them all others would be seen too often.
    arms = (*placement.arms, *sorted({*told} - {*placement.arms}))
    number = {name: place for place, name in enumerate(arms)}
    shown = np.array([number[one] for one in told], np.int64)
    chances = np.asarray(seen["probability"].to_numpy(), np.float64)
    holdouts = np.asarray(seen["holdout"].to_numpy(), np.float64)
    found = steering.sample_ratio(placement.record, arms, shown, chances, holdouts)
    return None if found is None else f"Not known: {found.found}. {found.todo}"


def _exposed(placement: declared.Placement, seen: pa.Table, came: pa.Table) -> exposed.Exposed:
    number = {name: place for place, name in enumerate(placement.arms)}
    return exposed.Exposed(
        names=placement.arms,
        arms=np.array([number.get(one, -1) for one in seen["variant"].to_pylist()], np.int64),
        chances=np.asarray(seen["probability"].to_numpy(), np.float64),
        costs=np.asarray(seen["cost"].to_numpy(), np.float64),
        came=_came(seen, came, HOUR * placement.horizon_hours).astype(np.float64),
    )


def _came(seen: pa.Table, came: pa.Table, horizon: float) -> npt.NDArray[np.bool_]:
    """After which exposures what is hoped for came within the horizon; shape (n,)."""
    found = np.zeros(seen.num_rows, np.bool_)
    if not seen.num_rows:
        return found
    persons, at = seen["person"].to_numpy(), seen["at"].to_numpy()
    order = np.argsort(persons)
    theirs, when = came["person"].to_numpy(), came["at"].to_numpy()
    places = np.minimum(np.searchsorted(persons[order], theirs), len(persons) - 1)
    own = order[places]
    fits = (persons[own] == theirs) & (when >= at[own]) & (when <= at[own] + horizon)
    found[own[fits]] = True
    return found


def _record(ledger: Ledger, prepared: Prepared, made: placements.PlacementReport, at: datetime) -> None:
    """Append what it changed to the log."""
    effect, placement = made.together.effect, prepared.placement
    if effect is None or not counts.enough(made.measured, placement.purpose):
        return
    for part in standing_of(ledger, placement.record, prepared.content).parts:
        told = result_of(prepared.brief.campaign, part, None, prepared.settings.currency, effect)
        record_result(ledger, placement.record, told, at)


def _write(folder: Path, made: placements.PlacementReport) -> None:
    """Write ``placement-NAME.html`` and ``.json``, each whole or not at all."""
    folder.mkdir(exist_ok=True)
    path = folder / f"placement-{made.about.placement}"
    _replace(path.with_name(f"{path.name}.html"), placements.page(made))
    _replace(path.with_name(f"{path.name}.json"), _json(made.as_dict()))


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
