"""From people to an inferred trait: who is learned from, what is learned, and where it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.ingest import Source
from suasion.ledger import Run, Tables
from suasion.profiles import FACT_TABLES, assemble_facts, traits_of
from suasion.rules import Judgement
from suasion.scores import inferences
from suasion.segments import members
from suasion.workspace.study import Study, source_of

Ids = npt.NDArray[np.int64]
Say = Callable[[str], None]


def infer(run: Run, made: Study, say: Say) -> inferences.Card:
    """Learn from the permitted, and publish what is inferred of the permitted.

    Parameters
    ----------
    run : Run
    made : Study
    say : callable

    Returns
    -------
    Card

    Raises
    ------
    UndefinedError
        Too few persons, or these data do not tell; nothing is published.
    """
    inference, gate, facts = made.inference, made.gate, run.version(*FACT_TABLES)
    traits = traits_of(run, made.catalogue, gate.occasion)
    wanted, _ = members(made.segment, traits)
    is_propensity = inference.kind == "propensity"
    known, left_out = (
        _recorded(run, made, traits) if is_propensity else (_compared(run, made, traits, wanted), {})
    )
    judgement = _judged(run, made, np.union1d(wanted, known["person"].to_numpy()))
    clearance = judgement.clearance
    left_out |= {str(reason): count for reason, count in judgement.drops.items()}
    permitted = known.filter(pa.array(clearance.covers(known["person"].to_numpy())))
    sample, scored = _sample(run, made, traits, permitted), wanted[clearance.covers(wanted)]
    if is_propensity:
        others = _rows(traits, np.setdiff1d(scored, sample.persons), ("person", *inference.features))
        found = inferences.propensity(sample, others, clearance, gate, facts, say).among(scored)
    else:
        found = inferences.lookalike(sample, clearance, gate, facts, say).among(scored)
    inputs = made.inputs(run)
    card = _card(made, found, inputs, left_out)
    inferences.publish(run, card, found, inputs, clearance, gate, facts)
    return card


def _judged(tables: Tables, made: Study, persons: Ids) -> Judgement:
    facts = assemble_facts(tables, made.sources, made.catalogue, made.gate.occasion)
    chosen = facts.filter(pc.is_in(facts["person"], value_set=pa.array(persons)))
    return made.gate.judge(chosen, tables.version(*FACT_TABLES))


def _recorded(tables: Tables, made: Study, traits: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """Person, outcome and weight of whom the source recorded them; and how many are left out, by reason."""
    source, weight = source_of(made), made.inference.weight
    records = tables.read(f"records.{source.name}", "ingest")
    counted = pc.value_counts(records["person"].combine_chunks())
    once = counted.field("values").filter(pc.equal(counted.field("counts"), 1))
    single = records.filter(pc.is_in(records["person"], value_set=once))
    free = single
    if source.treatment is not None:
        free = single.filter(pc.equal(single["arm"], source.treatment.control))
    told = free.select(["person", f"outcome:{made.inference.learns}"]).rename_columns(["person", "outcome"])
    known = told.filter(told["outcome"].is_valid())
    left_out = {
        "more than one record": len(counted) - single.num_rows,
        "not in the control of the experiment": single.num_rows - free.num_rows,
        "no recorded outcome": free.num_rows - known.num_rows,
    }
    if weight is not None:
        weights = _rows(traits, known["person"].to_numpy(), (weight,))[weight].cast(pa.float64())
        weighed = known.append_column("weight", weights)
        known = weighed.filter(pc.greater(weighed["weight"], 0))
        left_out["no weight above 0"] = len(weighed) - len(known)
    return known, left_out


def _compared(tables: Tables, made: Study, traits: pa.Table, wanted: Ids) -> pa.Table:
    """Everybody wanted or on the list, and as outcome whether on the list."""
    if made.seeds is None:
        listed = tables.read(f"records.{source_of(made).name}", "ingest")["person"].to_numpy()
    else:
        listed, _ = members(made.seeds, traits)
    persons = np.union1d(wanted, listed)
    return pa.table({"person": persons, "outcome": np.isin(persons, listed).astype(np.float64)})


def _sample(tables: Tables, made: Study, traits: pa.Table, known: pa.Table) -> inferences.Sample:
    inference, persons = made.inference, known["person"].to_numpy()
    return inferences.Sample(
        persons=persons,
        outcome=known["outcome"].to_numpy(),
        features=_rows(traits, persons, inference.features),
        weights=known["weight"].to_numpy() if "weight" in known.column_names else None,
        households=_households(tables, made.sources, persons),
        groups=_rows(traits, persons, inference.groups) if inference.groups else None,
    )


def _rows(traits: pa.Table, persons: Ids, names: tuple[str, ...]) -> pa.Table:
    """Traits of these persons, in their order."""
    places = pc.index_in(pa.array(persons), traits["person"].combine_chunks())
    return traits.select(list(names)).take(places)


def _households(tables: Tables, sources: tuple[Source, ...], persons: Ids) -> Ids | None:
    """A number for each household, from the first source that tells a person's; else a person is alone."""
    homes, start = -persons - 1, 0
    for source in sources:
        records = tables.read(f"records.{source.name}", "ingest").select(["person", "household"])
        records = records.filter(records["household"].is_valid())
        places = pc.index_in(pa.array(persons), records["person"].combine_chunks())
        told = records["household"].take(places)
        found = told.is_valid().to_numpy() & (homes < 0)
        homes[found] = pc.fill_null(told, 0).to_numpy()[found] + start
        start = max(start, int(homes.max(initial=-1)) + 1)
    return homes if start else None


def _card(made: Study, found: inferences.Inferred, inputs: str, left_out: dict[str, int]) -> inferences.Card:
    inference, at = made.inference, made.gate.occasion.at
    return inferences.Card(
        name=inference.name,
        kind=inference.kind,
        trait=inference.trait,
        purpose=inference.purpose,
        learned_from=made.learned_from,
        model=hashlib.blake2b(inputs.encode(), digest_size=8).hexdigest(),
        at=at,
        until=at.date() + timedelta(days=inference.days),
        scored=len(found.persons),
        left_out={reason: count for reason, count in left_out.items() if count},
        quality=found.quality,
        listed=found.listed,
    )
