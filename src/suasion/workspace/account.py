"""The report of a campaign, from published tables."""

from __future__ import annotations

import json
from pathlib import Path

from suasion.allocation import plan_from
from suasion.ledger import Ledger, Tables, drawn
from suasion.measurement import Report, Step, page, replay, report
from suasion.workspace.brief import Brief
from suasion.workspace.settings import Settings
from suasion.workspace.steps import Cleared, clear, reasons, scores_of, trial_of


def account(tables: Tables, ledger: Ledger, brief: Brief, settings: Settings) -> Report:
    """Judge the published plan and write its report."""
    name = brief.campaign.name
    fitted = scores_of(tables, brief)
    inputs = f"{tables.version(f'scores.{name}')} {brief.campaign.digest}"
    made, digest = plan_from(tables.read(f"plans.{name}", f"plan {name}", inputs))
    cleared = clear(tables, brief)
    clearance = cleared.judgement.clearance
    facts = brief.facts(tables)
    judged = replay(brief.campaign, brief.design, fitted, made, clearance, brief.gate, facts)
    trial, left_out = trial_of(tables, brief, clearance.persons)
    return report(
        campaign=brief.campaign,
        design=brief.design,
        segment=brief.segment,
        source=brief.source,
        steps=_steps(tables, brief, cleared, left_out),
        scores=fitted,
        made=made,
        judged=judged,
        features=trial.features,
        catalogue=brief.catalogue,
        refused=brief.refused,
        drawn=_drawn(ledger, digest, brief),
        currency=settings.currency,
        inputs=f"{brief.facts(tables)} {inputs} rules {brief.gate.digest}",
        at=brief.gate.occasion.at,
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


def write(folder: Path, made: Report) -> tuple[Path, Path]:
    """Write ``reports/CAMPAIGN.html`` and ``.json``, each whole or not at all."""
    folder.mkdir(exist_ok=True)
    html, data = folder / f"{made.campaign}.html", folder / f"{made.campaign}.json"
    _replace(html, page(made))
    _replace(data, json.dumps(made.as_dict(), indent=1, ensure_ascii=False) + "\n")
    return html, data


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)


def _drawn(ledger: Ledger, digest: str, brief: Brief) -> dict[str, int]:
    counted = drawn(ledger, digest)["treatment"].value_counts().to_pylist()
    found = {row["values"]: row["counts"] for row in counted}
    return {name: found.get(name, 0) for name in brief.design.names}
