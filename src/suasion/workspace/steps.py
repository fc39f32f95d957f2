"""The steps of a replay, each reading published tables and writing new ones in a run."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import Options, Plan, decide, plan, publish_plan
from suasion.errors import CampaignError, WorkspaceError
from suasion.experiments import Trial, assemble
from suasion.identity import resolve
from suasion.ingest import read
from suasion.ledger import Ledger, Run, Tables, declare
from suasion.profiles import assemble_facts, catalogue_from, store_profiles, traits_of, types
from suasion.rights import refuse_erased
from suasion.rules import Judgement
from suasion.scores import Forecast, Model, Ranking, Scores, fit, forecast_from, publish_scores, scores_from
from suasion.segments import members
from suasion.stats import Estimate, mean
from suasion.workspace.brief import Brief, sources_from
from suasion.workspace.live import contact_gate, reach
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
    """

    source: str
    rows: int
    kept: int
    rejected: int
    reasons: dict[str, int]
    ignored: tuple[str, ...]


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
class PlanSummary:
    """What was planned and drawn."""

    campaign: str
    people: int
    budget: float
    cost: float
    shadow_price: float
    drawn: dict[str, int]
    refused: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Cleared:
    """The matches of a segment, judged for learning and evaluation."""

    judgement: Judgement
    unknown: int


def ingest(folder: Path, run: Run, ledger: Ledger, key: bytes, say: Say) -> tuple[IngestSummary, ...]:
    """Read all sources, refuse who was erased, resolve who is who, and write everything known of persons."""
    sources = sources_from(folder)
    if not sources:
        raise WorkspaceError(
            "an ingest", "no source in sources/", "Write a mapping, or run `suasion init FILE`."
        )
    catalogue = catalogue_from(folder / "traits")
    found = {}
    for source in sources:
        say(f"reading {source.file}")
        found[source.name] = read(source, folder / "sources", types(catalogue))
    say("resolving persons")
    known = run.read("identities", "ingest") if "identities" in run.versions else None
    found = refuse_erased(found, known, ledger, key)
    who = resolve({name: records.records for name, records in found.items()}, known)
    store_profiles(run, sources, found, who, catalogue)
    return tuple(
        IngestSummary(
            source=name,
            rows=records.rows,
            kept=records.records.num_rows,
            rejected=records.rejects.num_rows,
            reasons=reasons(records.rejects),
            ignored=records.ignored,
        )
        for name, records in found.items()
    )


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
    run.writes.append(declare(brief.campaign, brief.gate.occasion.at))
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


def scores_of(tables: Tables, brief: Brief) -> Scores:
    """The campaign's scores, if they still fit people, rules and declaration."""
    name = brief.campaign.name
    table = tables.read(f"scores.{name}", f"score {name}", brief.inputs(tables))
    return scores_from(table, brief.outcomes, len(brief.design.treatments))


def forecast_of(tables: Tables, brief: Brief) -> Forecast:
    """What the campaign's treatments are expected to change, if it still fits people and declaration."""
    name = brief.campaign.name
    table = tables.read(f"forecasts.{name}", f"score {name}", brief.inputs(tables))
    return forecast_from(table, brief.outcomes, len(brief.design.treatments))


def model_of(tables: Tables, brief: Brief) -> Model:
    """What was learned for the campaign, if it still fits people and declaration."""
    name = brief.campaign.name
    table = tables.read(f"models.{name}", f"score {name}", brief.inputs(tables))
    return Model.load(table["model"][0].as_py())


def options_of(brief: Brief, fitted: Scores | Forecast) -> Options:
    """What could be done for each person: effects, and costs as expected from the models."""
    treatments = brief.design.treatments[1:]
    costs = np.empty_like(fitted.effects)
    for i, treatment in enumerate(treatments):
        costs[:, i] = treatment.cost
        if treatment.price_if is not None:
            costs[:, i] += treatment.price * np.clip(fitted.expected[treatment.price_if][:, i + 1], 0, None)
    permitted = np.array([treatment.name not in brief.refused for treatment in treatments])
    names = tuple(treatment.name for treatment in treatments)
    return Options(fitted.persons, brief.campaign.control, names, fitted.effects, costs, permitted)


def make_plan(run: Run, ledger: Ledger, brief: Brief, key: bytes) -> PlanSummary:
    """Plan within the budget, draw once, and publish plan and draw together.

    A replay plans for the people of the experiment; a live campaign for all who can be written to.
    """
    campaign, facts = brief.campaign, brief.facts(run)
    if campaign.delivery is None:
        gate, clearance = brief.gate, clear(run, brief).judgement.clearance
        options = options_of(brief, scores_of(run, brief))
    else:
        gate, reached = contact_gate(brief, brief.gate.occasion.at), reach(run, ledger, brief)
        clearance = reached.judgement.clearance
        options = options_of(brief, among(forecast_of(run, brief), reached.persons))
    made = plan(options, campaign.budget, campaign.holdout, campaign.exploration)
    digest = _digest(brief, made, key)
    decisions = decide(made, digest, key)
    inputs = f"{run.version(f'forecasts.{campaign.name}')} {campaign.digest}"
    publish_plan(
        run,
        campaign.name,
        made,
        decisions,
        digest,
        campaign.terms,
        inputs,
        clearance,
        gate,
        facts,
        keyed=bool(key),
    )
    run.writes.append(declare(campaign, brief.gate.occasion.at))
    return PlanSummary(
        campaign=campaign.name,
        people=len(decisions.persons),
        budget=made.budget,
        cost=made.cost,
        shadow_price=made.shadow_price,
        drawn=_counted(brief.design.names, decisions.chosen),
        refused={name: tuple(map(str, reasons)) for name, reasons in brief.refused.items()},
        notes=made.notes,
    )


def among(forecast: Forecast, persons: Ids) -> Forecast:
    """The forecast of these persons alone."""
    chosen = np.isin(forecast.persons, persons)
    expected = {name: values[chosen] for name, values in forecast.expected.items()}
    return Forecast(forecast.persons[chosen], forecast.effects[chosen], expected)


def _counted(names: tuple[str, ...], chosen: Ids) -> dict[str, int]:
    return dict(zip(names, np.bincount(chosen, minlength=len(names)).tolist(), strict=True))


def _digest(brief: Brief, made: Plan, key: bytes) -> str:
    """Names a plan: the same people, probabilities, declaration and key are the same plan, drawn once."""
    digest = hashlib.blake2b(brief.campaign.digest.encode(), digest_size=16, key=key)
    digest.update(made.options.persons.tobytes())
    digest.update(np.ascontiguousarray(made.probabilities).tobytes())
    return digest.hexdigest()
