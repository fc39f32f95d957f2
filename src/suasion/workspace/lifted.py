"""What a sent campaign changed, and what became of its messages, from published tables and the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import Plan
from suasion.declarations import closest
from suasion.errors import CampaignError, UndefinedError
from suasion.experiments import Assignment, Design, Trial
from suasion.ledger import Campaign, Ledger, Tables, log, sends
from suasion.measurement import Delivered, Lift, analysis, lift, spending
from suasion.profiles import traits_of
from suasion.workspace.brief import Brief
from suasion.workspace.homes import households_of

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """What outcomes show of a campaign, or of the experiment it learned from.

    Parameters
    ----------
    analysis : Analysis or None
        None where nobody drew.
    lift : Lift or None
        What the sent plan changed.
    why_not : tuple of str
        Why that cannot be told.
    spent : Spending or None
        None where nothing was sent.
    """

    analysis: analysis.Analysis | None = None
    lift: Lift | None = None
    why_not: tuple[str, ...] = ()
    spent: spending.Spending | None = None


def seen_of_plan(
    tables: Tables, ledger: Ledger, brief: Brief, made: Plan, drawn: pa.Table, spent: float, currency: str
) -> Seen:
    """What came of a plan that is being sent."""
    evidence = drawn_by_plan(tables, brief, made, drawn)
    found = _analyzed(tables, ledger, brief, made.options.persons, evidence, live=True)
    changed, why_not = _measured(evidence, found, made, brief.campaign.outcome, spent)
    paid = _spent_on(tables, ledger, brief, changed, currency)
    if changed is not None and paid.returns:
        # A voucher costs what was redeemed, not what was set aside for it.
        changed = replace(changed, spent=paid.spent.value, cost_per_extra=paid.returns[0].cost_per_extra)
    return Seen(found, changed, why_not, paid)


def seen_in_trial(tables: Tables, ledger: Ledger, brief: Brief, trial: Trial) -> Seen:
    """What the finished experiment shows that a campaign learned from, if somebody drew there."""
    if brief.design.assignment is Assignment.OBSERVED:
        return Seen()
    evidence = _drawn_in_trial(brief.design, trial)
    return Seen(_analyzed(tables, ledger, brief, trial.persons, evidence, live=False))


def _measured(
    evidence: analysis.Evidence, found: analysis.Analysis, made: Plan, outcome: str, spent: float
) -> tuple[Lift | None, tuple[str, ...]]:
    """What the plan changed, by the chances of its own draw; None, and why, where that cannot be told.

    Its interval is that of the way the campaign is looked at.
    """
    if found.waiting or not evidence.known(outcome).any():
        return None, ()
    given = (evidence.outcomes[outcome], evidence.expected[outcome], evidence.households)
    try:
        changed = lift(made.probabilities, evidence.arms, *given, spent)
    except UndefinedError as error:
        return None, (f"What the campaign changed cannot be told yet: {error.found}.",)
    if found.looks == "fixed" or found.course is None:
        return changed, ()
    if found.course.latest is None:
        return None, ("What the campaign changed cannot be told yet: too few have answered so far.",)
    return analysis.looked_at(changed, found.course.latest), ()


def _spent_on(
    tables: Tables, ledger: Ledger, brief: Brief, changed: Lift | None, currency: str
) -> spending.Spending:
    """What a sent campaign cost, and what came back."""
    name, campaign = brief.campaign.name, brief.campaign
    given = sends.paid_to(ledger, name)
    recorded = _recorded(tables, brief, np.unique(given["person"].to_numpy()))
    known = f"outcomes.{name}" in tables.versions
    vouchers = spending.redeemed(brief.design, given, recorded) if known else {}
    extra = {} if changed is None else {campaign.outcome: changed.extra}
    money = [outcome for outcome in brief.outcomes if brief.source.outcomes[outcome].money]
    costs = sends.costs(ledger, name)
    return spending.spending(campaign, brief.design, costs, vouchers, extra, money, currency)


def drawn_by_plan(tables: Tables, brief: Brief, made: Plan, drawn: pa.Table) -> analysis.Evidence:
    """The people of a sent plan, what was drawn for each, and what came of it as far as it is recorded."""
    name, persons = brief.campaign.name, made.options.persons
    options = (made.options.control, *made.options.treatments)
    arms = pc.index_in(drawn["treatment"], pa.array(options)).to_numpy().astype(np.int64)
    recorded, ahead = _recorded(tables, brief, persons), tables.read(f"forecasts.{name}", f"score {name}")
    places = pc.index_in(pa.array(persons), ahead["person"].combine_chunks())
    chances = made.probabilities
    return analysis.Evidence(
        names=options,
        arms=arms,
        chances=chances,
        outcomes={outcome: _numbers(recorded, f"outcome:{outcome}") for outcome in brief.outcomes},
        own=analysis.own_chance(chances, arms),
        expected={o: ahead[f"expected:{o}:0"].take(places).to_numpy() for o in brief.outcomes},
        households=households_of(tables, brief, persons),
        at=_numbers(recorded, "at"),
    )


def _recorded(tables: Tables, brief: Brief, persons: Ids) -> pa.Table:
    """What is recorded of these persons, in their order; nulls where nothing is."""
    table = f"outcomes.{brief.campaign.name}"
    if table not in tables.versions:
        return pa.table({"person": persons})
    recorded = tables.read(table, "record")
    return recorded.take(pc.index_in(pa.array(persons), recorded["person"].combine_chunks()))


def _numbers(table: pa.Table, column: str) -> Floats:
    """A column as numbers; NaN where it is null, or not there, as in tables of an older suasion."""
    if column not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)


def _drawn_in_trial(design: Design, trial: Trial) -> analysis.Evidence:
    """The people of a finished experiment."""
    chances = _chances(design, trial)
    own = None if np.isnan(trial.received).any() else trial.received
    return analysis.Evidence(
        names=design.names,
        arms=trial.arms,
        chances=chances,
        outcomes=trial.outcomes,
        own=own if chances is None else analysis.own_chance(chances, trial.arms),
        households=trial.households,
    )


def _chances(design: Design, trial: Trial) -> Floats | None:
    """Chances of the people of an experiment; None where no more than those of their own arm are known."""
    if design.assignment is not Assignment.KNOWN:
        return None
    arms = range(len(design.names))
    own = [np.unique(trial.received[trial.arms == arm]) for arm in arms]
    constant = np.array([found[0] for found in own])
    if all(np.ptp(found) == 0 for found in own) and abs(constant.sum() - 1) < 0.01:
        return np.tile(constant / constant.sum(), (len(trial.arms), 1))
    if len(design.names) > 2:
        return None
    first = np.where(trial.arms == 0, trial.received, 1 - trial.received)
    return np.column_stack([first, 1 - first])


def registered(ledger: Ledger, campaign: str) -> analysis.Registered | None:
    """The analysis as the campaign's first entry in the log holds it; None where there is none."""
    entries = [row for row in log.rows(ledger) if (row.kind, row.campaign) == ("campaign", campaign)]
    if not entries or "analysis" not in entries[0].content:
        return None
    content = entries[0].content
    return analysis.Registered(entries[0].at, content["analysis_digest"], content["analysis"])


def paused(ledger: Ledger, campaign: str) -> bool:
    """Whether the newest word on a campaign is to pause it."""
    said = [row.kind for row in log.rows(ledger) if row.campaign == campaign]
    return next((kind == "pause" for kind in reversed(said) if kind in ("pause", "resume")), False)


def handed_over(ledger: Ledger, campaign: str) -> analysis.Sent:
    """What became of the messages, as guardrails count it."""
    progress = sends.progress(ledger, campaign)
    waiting = progress.states.get(sends.State.PLANNED, 0)
    return analysis.Sent(delivered(progress).sent, waiting, progress.replies, paused(ledger, campaign))


def _analyzed(
    tables: Tables, ledger: Ledger, brief: Brief, persons: Ids, evidence: analysis.Evidence, *, live: bool
) -> analysis.Analysis:
    """The analysis of a sent campaign, as it was registered, or of a finished experiment."""
    name = brief.campaign.name
    found, sent = (registered(ledger, name), handed_over(ledger, name)) if live else (None, None)
    judged, _ = analysis.as_registered(brief.campaign, found)
    groups = analysis.groupings(judged, found, brief.catalogue)
    before, traits = _known_before(tables, brief, judged, groups, persons)
    given = replace(evidence, before=before, traits=traits)
    return analysis.analyze(brief.campaign, given, groups, found, sent, live=live)


def _known_before(
    tables: Tables, brief: Brief, campaign: Campaign, groups: tuple[analysis.Grouping, ...], persons: Ids
) -> tuple[Floats | None, pa.Table]:
    """The number from before the draw, and the traits to group by, as the rules let them measure.

    Raises
    ------
    CampaignError
        The number is unknown, or is none.
    TraitRefusedError
        The rules do not let a trait measure.
    """
    before, names = campaign.analysis.before, [group.trait for group in groups]
    asked = f"the analysis of campaign '{campaign.name}'"
    if before is not None and before not in brief.catalogue:
        raise CampaignError(asked, f"unknown trait '{before}'", closest(before, brief.catalogue))
    used = [*names, *([before] if before else [])]
    categories = [(name, brief.catalogue[name].category, brief.source.basis) for name in used]
    brief.gate.admit_traits("group", categories)
    known = traits_of(tables, brief.catalogue, brief.gate.occasion)
    rows = known.take(pc.index_in(pa.array(persons), known["person"].combine_chunks()))
    if before is None:
        return None, rows.select(names)
    kind = rows[before].type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise CampaignError(asked, f"before = '{before}' is no number", "Name a number, or yes and no.")
    return _numbers(rows, before), rows.select(names)


def delivered(progress: sends.Progress) -> Delivered:
    """What became of the messages, as the report tells it."""
    count, replied = progress.states.get, progress.replies.get
    first, last = (
        "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        for at in (progress.first, progress.last)
    )
    handed = [sends.State.HANDED_OVER, sends.State.ACCEPTED, sends.State.UNKNOWN]
    kept_back = sum(progress.reasons.get(reason, 0) for reason in sends.NEVER_HANDED)
    failed = count(sends.State.FAILED, 0) - kept_back
    return Delivered(
        sent=failed + sum(count(state, 0) for state in handed),
        accepted=count(sends.State.ACCEPTED, 0),
        failed=failed,
        unknown=count(sends.State.UNKNOWN, 0),
        opted_out=replied(sends.Why.OPTED_OUT, 0),
        bounced=replied(sends.Why.BOUNCED, 0),
        complained=replied(sends.Why.COMPLAINED, 0),
        first_sent=first,
        last_sent=last,
    )
