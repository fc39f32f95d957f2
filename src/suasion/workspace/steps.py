"""The steps of a replay, each reading published tables and writing new ones in a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.delivery import is_deliverable
from suasion.errors import CampaignError, WorkspaceError
from suasion.experiments import Trial, assemble
from suasion.identity import Sealing, resolve
from suasion.ingest import Source, read
from suasion.ledger import Ledger, Run, Tables, subject
from suasion.profiles import assemble_facts, catalogue_from, store_profiles, traits_of, types, unproven
from suasion.rights import corrections, refuse_erased, seals_of
from suasion.rules import Channel, Judgement
from suasion.scores import Ranking, fit, publish_scores
from suasion.segments import CHANNELS, members
from suasion.stats import Estimate, mean
from suasion.workspace.brief import Brief, sources_from
from suasion.workspace.proxy import judge_proxies

Say = Callable[[str], None]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class IngestSummary:
    """What one source gave.

    Parameters
    ----------
    source : str
    rows, kept, rejected : int
    reasons : dict of str to int
        Why rows were rejected: column and reason.
    ignored : tuple of str
        Columns of the file that the mapping does not name; they were not read.
    notes : tuple of str
        What the sponsor should know besides.
    """

    source: str
    rows: int
    kept: int
    rejected: int
    reasons: dict[str, int]
    ignored: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreSummary:
    """What was learned.

    Parameters
    ----------
    campaign : str
    people : int
        Learned from.
    left_out : dict of str to int
        Who was not, by reason.
    effects : dict of str to Estimate
        Average effect of each treatment.
    rankings : dict of str to Ranking
        Whether the effects of each may rank people.
    warnings : tuple of str
        What the guards found.
    """

    campaign: str
    people: int
    left_out: dict[str, int]
    effects: dict[str, Estimate]
    rankings: dict[str, Ranking]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Cleared:
    """The matches of a segment, judged for learning and evaluation."""

    judgement: Judgement
    unknown: int


def ingest(
    folder: Path, run: Run, ledger: Ledger, key: bytes, say: Say, at: datetime
) -> tuple[IngestSummary, ...]:
    """Read all sources, refuse who was erased, resolve who is who, and write everything known of persons."""
    sources = sources_from(folder)
    if not sources:
        raise WorkspaceError(
            "an ingest", "no source in sources/", "Write a mapping, or run `suasion init FILE`."
        )
    catalogue = catalogue_from(folder / "traits")
    found, by_name = {}, {source.name: source for source in sources}
    for source in sources:
        say(f"reading {source.file}")
        found[source.name] = read(source, folder / "sources", types(catalogue), at)
    say("resolving persons")
    known = run.read("identities", "ingest") if "identities" in run.versions else None
    found = refuse_erased(found, known, ledger, key)
    kept = {name: records.records for name, records in found.items()}
    who = resolve(kept, known, key, subject.last_person(ledger))
    store_profiles(run, sources, found, who, catalogue, Sealing(ledger, key, _usable))
    corrections.reapply(run, ledger, catalogue, seals_of(ledger, key))
    return tuple(
        IngestSummary(
            source=name,
            rows=records.rows,
            kept=records.records.num_rows,
            rejected=records.rejects.num_rows,
            reasons=reasons(records.rejects),
            ignored=records.ignored,
            notes=(
                *_unproven(by_name[name], records.records, who.persons[name]),
                *(() if key else _unstored(records.records)),
            ),
        )
        for name, records in found.items()
    )


def _usable(kind: str, value: str) -> bool:
    """Whether messages can go there."""
    return kind != CHANNELS[Channel.EMAIL] or is_deliverable(value)


def _unproven(source: Source, records: pa.Table, persons: Ids) -> tuple[str, ...]:
    """Whose yes counts as none."""
    return tuple(
        f"{count:,} people said yes to {pair} without evidence: it counts as none. Map the words they were "
        "shown, how they answered and when: wording, capture and said_at of the consent."
        for pair, count in unproven(source, records, persons).items()
    )


def _unstored(records: pa.Table) -> tuple[str, ...]:
    """That contact details were not stored, for want of a key."""
    columns = [records[name] for name in records.column_names if name.startswith("contact:")]
    count = sum(len(column) - column.null_count for column in columns)
    told = (
        f"{count:,} contact details were not stored: SUASION_KEY is not set. "
        "To write to people, set it to a secret, keep it, and ingest again."
    )
    return (told,) if count else ()


def reasons(rejects: pa.Table) -> dict[str, int]:
    """How many rows were rejected, by column and reason, the commonest first."""
    grouped = rejects.group_by(["column", "reason"]).aggregate([([], "count_all")])
    found: Counter[str] = Counter()
    for row in grouped.to_pylist():
        reason = re.sub(r" as line \d+$", " as an earlier line", row["reason"])
        found[f"{row['column'] or 'row'}: {reason}"] += row["count_all"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def clear(tables: Tables, brief: Brief) -> Cleared:
    """Judge everybody who matches the campaign's segment, on the facts as they stand."""
    traits = traits_of(tables, brief.catalogue, brief.gate.occasion)
    matching, unknown = members(brief.segment, traits)
    facts = assemble_facts(tables, brief.sources, brief.catalogue, brief.gate.occasion)
    chosen = facts.filter(pc.is_in(facts["person"], value_set=pa.array(matching)))
    return Cleared(brief.gate.judge(chosen, brief.facts(tables)), unknown)


def trial_of(tables: Tables, brief: Brief, persons: Ids) -> tuple[Trial, dict[str, int]]:
    """The experiment among the permitted, and how many of them are not part of it, by reason."""
    records = tables.read(f"records.{brief.source.name}", "ingest")
    traits = traits_of(tables, brief.catalogue, brief.gate.occasion)
    return assemble(brief.design, persons, records, traits, brief.campaign.features, brief.outcomes)


def score(run: Run, brief: Brief, say: Say) -> ScoreSummary:
    """Fit models on the permitted and publish their scores."""
    campaign, name, facts = brief.campaign, brief.campaign.name, brief.facts(run)
    judgement = clear(run, brief).judgement
    clearance = judgement.clearance
    if not len(clearance.persons):
        raise _nobody(brief, judgement)
    trial, left_out = trial_of(run, brief, clearance.persons)
    others = None if campaign.delivery is None else _others(run, brief, trial, clearance.persons)
    fitted, forecast, model = fit(trial, clearance, brief.gate, facts, say, others)
    noted = (*fitted.findings.warnings, *map(str, judge_proxies(run, brief, trial)))
    fitted = replace(fitted, findings=replace(fitted.findings, warnings=noted))
    publish_scores(run, name, fitted, forecast, model, brief.inputs(run), clearance, brief.gate, facts)
    run.declare(brief.campaign, brief.gate.occasion.at)
    gains = fitted.aipw[brief.campaign.outcome]
    effects = {
        treatment: mean(gains[:, i] - gains[:, 0], fitted.households, "AIPW")
        for i, treatment in enumerate(brief.design.names)
        if i
    }
    ranked = dict(zip(effects, fitted.findings.rankings, strict=True))
    return ScoreSummary(name, len(trial.persons), left_out, effects, ranked, noted)


def _others(tables: Tables, brief: Brief, trial: Trial, persons: Ids) -> pa.Table:
    """Traits of the permitted who are not in the experiment."""
    outside = np.setdiff1d(persons, trial.persons, assume_unique=True)
    known = traits_of(tables, brief.catalogue, brief.gate.occasion)
    traits = known.select(["person", *brief.campaign.features])
    return traits.filter(pc.is_in(traits["person"], value_set=pa.array(outside)))


def _nobody(brief: Brief, judgement: Judgement) -> CampaignError:
    """The error where the rules permit no one: every reason, with its count."""
    reasons = "; ".join(f"{count:,}: {reason}" for reason, count in judgement.drops.items())
    return CampaignError(
        f"campaign '{brief.campaign.name}'",
        f"of {len(judgement.persons):,} matching persons none is permitted ({reasons or 'nobody matches'})",
        "Map the facts that are unknown, or have somebody attest them in sources/.",
    )
