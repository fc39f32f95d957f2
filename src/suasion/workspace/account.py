"""The report of a campaign, from published tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import Plan, plan_from
from suasion.ledger import Ledger, Tables, sends
from suasion.measurement import Report, Step, page, replay, report
from suasion.profiles import traits_of
from suasion.scores import Scores, inferences
from suasion.workspace.brief import Brief
from suasion.workspace.drawn import draws_of
from suasion.workspace.lifted import delivered, seen_in_trial, seen_of_plan
from suasion.workspace.live import reach
from suasion.workspace.planning import asked
from suasion.workspace.scored import scores_of
from suasion.workspace.settings import Settings
from suasion.workspace.steps import Cleared, clear, reasons, trial_of


def account(tables: Tables, ledger: Ledger, brief: Brief, settings: Settings) -> Report:
    """Judge the published plan, measure what it changed where it was sent, and write its report."""
    name, live = brief.campaign.name, brief.campaign.delivery is not None
    fitted = scores_of(tables, brief)
    inputs = f"{tables.version(f'forecasts.{name}')} {brief.campaign.digest}"
    progress = sends.progress(ledger, name)
    begun = any(state != sends.State.PLANNED for state in progress.states)
    # A plan that is being sent stays the plan, whatever else changes.
    made, digest = plan_from(tables.read(f"plans.{name}", f"plan {name}", None if begun else inputs))
    cleared = clear(tables, brief)
    clearance = cleared.judgement.clearance
    facts = brief.facts(tables)
    rehearsed = _rehearsed(tables, brief, fitted, made, settings.currency) if live else made
    judged = replay(brief.campaign, brief.design, fitted, rehearsed, clearance, brief.gate, facts)
    trial, left_out = trial_of(tables, brief, clearance.persons)
    drawn = draws_of(tables, ledger, name, made, digest)
    if begun:
        seen = seen_of_plan(tables, ledger, brief, made, drawn, progress.spent, settings.currency)
    else:
        seen = seen_in_trial(tables, ledger, brief, trial)
    return report(
        campaign=brief.campaign,
        design=brief.design,
        segment=brief.segment,
        source=brief.source,
        steps=(*_steps(tables, brief, cleared, left_out), *_reached(tables, ledger, brief, made)),
        scores=fitted,
        made=replace(made, notes=(*made.notes, *seen.why_not)),
        judged=judged,
        features=_features(tables, brief, made) if live else trial.features,
        catalogue=brief.catalogue,
        refused=brief.refused,
        drawn=_drawn(drawn, brief),
        currency=settings.currency,
        inputs=f"{facts} {inputs} rules {brief.gate.digest}",
        at=brief.gate.occasion.at,
        lift=seen.lift,
        delivery=delivered(progress) if begun else None,
        trial=trial.features,
        money=[name for name in brief.outcomes if brief.source.outcomes[name].money],
        analysis=seen.analysis,
        spent=seen.spent,
    )


def _steps(tables: Tables, brief: Brief, cleared: Cleared, left_out: dict[str, int]) -> tuple[Step, ...]:
    """The count of people from the file to the experiment; each line's drops explain the one before."""
    source = brief.source.name
    kept = tables.read(f"records.{source}", "ingest").num_rows
    rejects = tables.read(f"rejects.{source}", "ingest")
    everybody = tables.read("traits", "ingest").num_rows
    matches, permitted = len(cleared.judgement.persons), len(cleared.judgement.clearance.persons)
    others = {"do not match": everybody - matches - cleared.unknown, "a trait is unknown": cleared.unknown}
    return (
        Step("rows in the file", kept + rejects.num_rows, {}),
        Step("rows that can be read", kept, reasons(rejects)),
        Step("persons known from all sources", everybody, {}),
        Step(f"match the segment '{brief.segment.label}'", matches, {k: n for k, n in others.items() if n}),
        Step("permitted", permitted, {str(reason): n for reason, n in cleared.judgement.drops.items()}),
        Step("in the experiment, with outcome", permitted - sum(left_out.values()), left_out),
    )


def _rehearsed(tables: Tables, brief: Brief, fitted: Scores, made: Plan, currency: str) -> Plan:
    """The same way to plan, for the people of the experiment, with as much money a person."""
    share = len(fitted.persons) / max(len(made.options.persons), 1)
    wanted = asked(tables, brief, fitted, share)
    return wanted.plan(brief.campaign, currency, brief.campaign.budget * share)


def _reached(tables: Tables, ledger: Ledger, brief: Brief, made: Plan) -> tuple[Step, ...]:
    """The count of people from the segment to the plan of a live campaign."""
    if brief.campaign.delivery is None:
        return ()
    reached, channel = reach(tables, ledger, brief), brief.campaign.delivered.channel
    judgement, n = reached.judgement, len(made.options.persons)
    permitted = len(judgement.clearance.persons)
    drops = {str(reason): count for reason, count in judgement.drops.items()}
    return (
        Step(f"match the segment, and may be written to by {channel} now", permitted, drops),
        Step("can be reached now", len(reached.persons), reached.drops),
        Step("in the plan, when it was made", n, {}),
    )


def _features(tables: Tables, brief: Brief, made: Plan) -> pa.Table:
    """Traits of the persons of the plan, in its order."""
    traits = traits_of(tables, brief.catalogue, brief.gate.occasion)
    chosen = pc.index_in(pa.array(made.options.persons), traits["person"].combine_chunks())
    return traits.select(list(brief.campaign.features)).take(chosen)


def write(folder: Path, made: Report) -> tuple[Path, Path]:
    """Write ``reports/CAMPAIGN.html`` and ``.json``, each whole or not at all."""
    folder.mkdir(exist_ok=True)
    html, data = folder / f"{made.campaign}.html", folder / f"{made.campaign}.json"
    _replace(html, page(made))
    _replace(data, json.dumps(made.as_dict(), indent=1, ensure_ascii=False) + "\n")
    return html, data


def write_card(folder: Path, card: inferences.Card) -> None:
    """Write ``reports/card-NAME.html`` and ``.json``, each whole or not at all."""
    folder.mkdir(exist_ok=True)
    _replace(folder / f"card-{card.name}.html", card.page)
    _replace(
        folder / f"card-{card.name}.json", json.dumps(card.as_dict(), indent=1, ensure_ascii=False) + "\n"
    )


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)


def _drawn(drawn: pa.Table, brief: Brief) -> dict[str, int]:
    counted = drawn["treatment"].value_counts().to_pylist()
    found = {row["values"]: row["counts"] for row in counted}
    return {name: found.get(name, 0) for name in brief.design.names}
