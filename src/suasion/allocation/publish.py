"""Make a plan and its draw known, or read a plan back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.allocation.decide import Decisions
from suasion.allocation.floors import Floors
from suasion.allocation.limits import Capacity, Limit, Money, Parity
from suasion.allocation.options import Options
from suasion.allocation.plan import Plan
from suasion.allocation.told import Price
from suasion.experiments import Totals
from suasion.ledger import Run, draws
from suasion.rules import Clearance, Gate

Column = npt.NDArray[Any]


def publish_plan(
    run: Run,
    campaign: str,
    plan: Plan,
    decisions: Decisions,
    digest: str,
    terms: str,
    inputs: str,
    clearance: Clearance,
    gate: Gate,
    facts: str,
    *,
    keyed: bool,
) -> None:
    """Write the table ``plans.CAMPAIGN`` and record the draw in the ledger, in one transaction.

    Parameters
    ----------
    run : Run
    campaign : str
    plan : Plan
    decisions : Decisions
    digest : str
        Names plan and draw in the ledger.
    terms : str
        Digest of what was declared of the campaign.
    inputs : str
        What the plan was made from.
    clearance : Clearance
        Must cover every person of the plan.
    gate : Gate
    facts : str
        Version of the facts as they stand now.
    keyed : bool
        Whether the draw used a secret key.

    Raises
    ------
    ClearanceError
        The clearance does not permit it; nothing is written.
    """
    gate.admit(clearance, plan.options.persons, facts)
    told = json.dumps({"digest": digest, **_terms(plan)})
    table = pa.table(_arrays(plan)).replace_schema_metadata({"plan": told})
    run.write(f"plans.{campaign}", table, inputs)
    names = np.array([plan.options.control, *plan.options.treatments])
    treatments = names[decisions.chosen].tolist()
    run.writes.append(
        draws.record_draws(
            campaign, digest, terms, decisions.persons, treatments, decisions.probability, keyed=keyed
        )
    )


def _arrays(plan: Plan) -> dict[str, Column]:
    """Probabilities for all to read, and what they were made from: a row a person."""
    options = plan.options
    parities = [limit.groups for limit in plan.limits if isinstance(limit, Parity)]
    columns: dict[str, Column] = {"person": options.persons}
    for kind, found in (
        ("probability", plan.probabilities),
        ("effect", options.effects),
        ("cost", np.broadcast_to(options.costs, options.effects.shape)),
        ("value", options.values),
        ("closed", options.closed),
        ("choice", plan.choices),
        ("groups", np.column_stack(parities) if parities else None),
    ):
        if found is not None:
            columns |= {f"{kind}:{i}": np.ascontiguousarray(column) for i, column in enumerate(found.T)}
    columns |= {"among": plan.floors.among, "cell": plan.totals.groups}
    if plan.units is not None:
        columns["household"] = plan.units
    return columns


def _terms(plan: Plan) -> dict[str, object]:
    """What is not of persons, as plain JSON, to be read back exactly."""
    options = plan.options
    return {
        "control": options.control,
        "treatments": options.treatments,
        "permitted": options.permitted.tolist(),
        "one_cost": len(options.costs) == 1,
        "shares": plan.shares.tolist(),
        "holdout": plan.floors.holdout,
        "spread": plan.floors.spread.tolist(),
        "shut": plan.floors.shut.tolist(),
        "limits": [_told(limit) for limit in plan.limits],
        "totals": {
            "names": plan.totals.names,
            "cells": plan.totals.counts.shape[1],
            "counts": plan.totals.counts.tolist(),
            "money": plan.totals.money.tolist(),
        },
        "prices": [asdict(price) for price in plan.prices],
        "bound": plan.bound,
        "value": plan.value,
        "budget": plan.budget,
        "cost": plan.cost,
        "notes": plan.notes,
    }


def plan_from(table: pa.Table) -> tuple[Plan, str]:
    """Read a plan back from the lake.

    Parameters
    ----------
    table : pyarrow.Table
        As `publish_plan` wrote it.

    Returns
    -------
    Plan
    str
        Its digest in the ledger.
    """
    terms = json.loads(table.schema.metadata[b"plan"])
    floors = Floors(
        holdout=terms["holdout"],
        spread=np.array(terms["spread"]),
        among=table["among"].to_numpy(),
        shut=np.array(terms["shut"], np.bool_),
    )
    options = _options(table, terms)
    parities = _if_any(table, "groups")
    groups = iter(() if parities is None else parities.T)
    made = Plan(
        options=options,
        choices=_columns(table, "choice"),
        shares=np.array(terms["shares"]),
        floors=floors,
        units=table["household"].to_numpy() if "household" in table.column_names else None,
        limits=tuple(_limit(told, groups) for told in terms["limits"]),
        totals=_totals(table, terms["totals"], len(options.treatments)),
        prices=tuple(Price(**price) for price in terms["prices"]),
        bound=terms["bound"],
        value=terms["value"],
        budget=terms["budget"],
        cost=terms["cost"],
        notes=tuple(terms["notes"]),
    )
    return made, terms["digest"]


def _options(table: pa.Table, terms: dict[str, Any]) -> Options:
    costs = _columns(table, "cost")
    return Options(
        persons=table["person"].to_numpy(),
        control=terms["control"],
        treatments=tuple(terms["treatments"]),
        effects=_columns(table, "effect"),
        costs=costs[:1] if terms["one_cost"] else costs,
        permitted=np.array(terms["permitted"], np.bool_),
        values=_if_any(table, "value"),
        closed=_if_any(table, "closed"),
    )


def _totals(table: pa.Table, kept: dict[str, Any], k: int) -> Totals:
    n = len(kept["names"])
    return Totals(
        names=tuple(kept["names"]),
        groups=table["cell"].to_numpy(),
        counts=np.array(kept["counts"]).reshape(n, kept["cells"], k),
        money=np.array(kept["money"]).reshape(n, k),
    )


def _columns(table: pa.Table, kind: str) -> np.ndarray[tuple[int, int], np.dtype[Any]]:
    found = [name for name in table.column_names if name.startswith(f"{kind}:")]
    return np.column_stack([table[name].to_numpy() for name in found])


def _if_any(table: pa.Table, kind: str) -> np.ndarray[tuple[int, int], np.dtype[Any]] | None:
    return _columns(table, kind) if f"{kind}:0" in table.column_names else None


def _told(limit: Limit) -> dict[str, object]:
    """A limit as plain JSON, in which nothing is infinite; groups are in columns."""
    told = {name: found for name, found in vars(limit).items() if name != "groups"}
    if not isinstance(limit, Parity):
        told |= {"options": limit.options.tolist(), "most": limit.most if np.isfinite(limit.most) else None}
    return {"kind": type(limit).__name__, **told}


def _limit(told: dict[str, Any], groups: Iterator[npt.NDArray[np.integer]]) -> Limit:
    kind, given = told["kind"], {name: found for name, found in told.items() if name != "kind"}
    if kind == "Parity":
        return Parity(groups=next(groups), **given)
    given["options"] = np.array(given["options"], np.bool_)
    given["most"] = np.inf if given["most"] is None else given["most"]
    return Money(**given) if kind == "Money" else Capacity(**given)
