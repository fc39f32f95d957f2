"""Which traits the features of a campaign stand for, and what the rules make of it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import RefusedError
from suasion.experiments import Trial
from suasion.ledger import Tables
from suasion.profiles import traits_of
from suasion.rules import Category, Effect
from suasion.scores import Data, encode, guards
from suasion.workspace.brief import Brief

HARMLESS = frozenset(
    {
        Category.BEHAVIOR,
        Category.EDUCATION,
        Category.INCOME,
        Category.INTEREST,
        Category.NAME,
        Category.OCCUPATION,
        Category.PLACE,
    }
)
"""Categories that no rule about proxies speaks of."""


def judge_proxies(tables: Tables, brief: Brief, trial: Trial) -> tuple[guards.Finding, ...]:
    """Guess every sensitive trait that is no feature from the features, and ask the rules what follows.

    Parameters
    ----------
    tables : Tables
    brief : Brief
    trial : Trial

    Returns
    -------
    tuple of Finding
        A warning for each rule that is not met and only warns, or whose approval is declared.

    Raises
    ------
    RefusedError
        A rule forbids these features, or asks for an approval that the campaign does not declare.
    """
    watched = [
        name
        for name, trait in brief.catalogue.items()
        if trait.category not in HARMLESS
        and trait.provenance == "observed"
        and name not in brief.campaign.features
    ]
    known = traits_of(tables, brief.catalogue, brief.gate.occasion).select(["person", *watched])
    if not watched:
        return ()
    place = pc.index_in(pa.array(trial.persons), known["person"].combine_chunks())
    data = Data(encode(trial.features), clusters=trial.households)
    found = guards.proxies(
        data, trial.features.column_names, encode(known.select(watched).take(place)), watched
    )
    return tuple(finding for proxy in found.traits for finding in _judged(brief, proxy))


def _judged(brief: Brief, proxy: guards.Proxy) -> list[guards.Finding]:
    """What the rules say of one trait; nothing where hardly anybody's is known."""
    if proxy.auc is None:
        return []
    category = brief.catalogue[proxy.trait].category
    said: list[guards.Finding] = []
    for effect, reason in brief.gate.judge_proxy(category, proxy.auc.value):
        told = f"the features tell '{proxy.trait}' ({category}): AUC {proxy.auc.scaled(digits=2)}"
        approved = effect is Effect.APPROVAL and brief.campaign.proxies_approved_by
        if effect is Effect.WARN or approved:
            said.append(guards.Finding("proxy", guards.Severity.WARNING, f"{told}. {reason}"))
            continue
        foremost = ", ".join(f"'{name}'" for name, _ in proxy.by[:3])
        todo = f"Leave out what tells it, above all {foremost}"
        if effect is Effect.APPROVAL:
            todo += ", or have it approved: proxies_approved_by in the campaign"
        raise RefusedError(f"campaign '{brief.campaign.name}'", f"{told}. {reason}", f"{todo}.")
    return said
