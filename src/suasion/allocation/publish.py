"""Make a plan and its draw known, or read a plan back."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from suasion.allocation.decide import Decisions
from suasion.allocation.plan import Options, Plan
from suasion.ledger import Run, draws
from suasion.rules import Clearance, Gate


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
    run.write(f"plans.{campaign}", _table(plan, digest), inputs)
    names = np.array([plan.options.control, *plan.options.treatments])
    treatments = names[decisions.chosen].tolist()
    run.writes.append(
        draws.record_draws(
            campaign, digest, terms, decisions.persons, treatments, decisions.probability, keyed=keyed
        )
    )


def _table(plan: Plan, digest: str) -> pa.Table:
    columns = {"person": plan.options.persons}
    columns |= {f"probability:{i}": np.ascontiguousarray(c) for i, c in enumerate(plan.probabilities.T)}
    columns |= {f"effect:{i}": np.ascontiguousarray(c) for i, c in enumerate(plan.options.effects.T)}
    columns |= {f"cost:{i}": np.ascontiguousarray(c) for i, c in enumerate(plan.options.costs.T)}
    terms = {
        "digest": digest,
        "control": plan.options.control,
        "treatments": plan.options.treatments,
        "permitted": plan.options.permitted.tolist(),
        "budget": plan.budget,
        "cost": plan.cost,
        "shadow_price": plan.shadow_price,
        "notes": plan.notes,
    }
    return pa.table(columns).replace_schema_metadata({"plan": json.dumps(terms)})


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

    def columns(kind: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        found = [name for name in table.column_names if name.startswith(f"{kind}:")]
        return np.column_stack([table[name].to_numpy() for name in found])

    options = Options(
        persons=table["person"].to_numpy(),
        control=terms["control"],
        treatments=tuple(terms["treatments"]),
        effects=columns("effect"),
        costs=columns("cost"),
        permitted=np.array(terms["permitted"], np.bool_),
    )
    made = Plan(
        options=options,
        probabilities=columns("probability"),
        budget=terms["budget"],
        cost=terms["cost"],
        shadow_price=terms["shadow_price"],
        notes=tuple(terms["notes"]),
    )
    return made, terms["digest"]
