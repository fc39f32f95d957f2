"""What a campaign asks of its plan: options with their values, limits, and what people had before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import Capacity, Limit, Money, Options, Parity, Plan, Words, blind, plan, plurality
from suasion.declarations import named
from suasion.errors import CampaignError
from suasion.experiments import holdout, layers
from suasion.ledger import Campaign, Ledger, Tables, campaign_from, sends
from suasion.messages import message_from
from suasion.profiles import traits_of
from suasion.rules import Channel
from suasion.scores import Forecast, Scores
from suasion.workspace.brief import Brief
from suasion.workspace.desk import hashes
from suasion.workspace.homes import households_of
from suasion.workspace.live import details_of
from suasion.workspace.scored import model_of
from suasion.workspace.settings import CapTerms, Settings

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
GROUPS = 10
"""A trait of more values has no groups that could be reached alike."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Groups:
    """The people of a plan by a trait.

    Parameters
    ----------
    names : tuple of str
    of : array of int64, shape (n,)
        Index of each person's group.
    """

    names: tuple[str, ...]
    of: Ids


@dataclass(frozen=True)
class Asked:
    """What a plan is made from.

    Parameters
    ----------
    options : Options
    limits : tuple of Limit
        Besides the budget.
    households : array of int64, shape (n,), optional
        Where at most one of a household is treated.
    groups : Groups or None
        Of the trait of a parity.
    notes : tuple of str
    """

    options: Options
    limits: tuple[Limit, ...]
    households: Ids | None
    groups: Groups | None
    notes: tuple[str, ...]

    def plan(self, campaign: Campaign, currency: str, budget: float | None = None) -> Plan:
        """The plan of a campaign, for its own budget or another."""
        money, parity = campaign.budget if budget is None else budget, campaign.limits.parity
        if self.groups is None or parity is None or parity.mode != "blind":
            made, said = self._planned(campaign, currency, money, self.options), ()
        else:
            alike = Parity(parity.of, self.groups.of, parity.measure, parity.least_ratio, parity.most_gap)
            made, looked = blind.blind(
                lambda options: self._planned(campaign, currency, money, options), self.options, alike
            )
            said = (_blindly(parity.of, looked),)
        return replace(made, notes=(*self.notes, *made.notes, *said))

    def _planned(self, campaign: Campaign, currency: str, money: float, options: Options) -> Plan:
        return plan(
            options,
            money,
            campaign.holdout,
            campaign.exploration,
            limits=self.limits,
            households=self.households,
            least_segment=campaign.limits.least_people or 0,
            adapt=campaign.adapts,
            words=words_of(campaign, currency),
        )


def _blindly(of: str, looked: Sequence[blind.Candidate]) -> str:
    """What it costs to reach groups alike without looking at them."""
    taken, free = looked[-1], looked[0].value
    cost = f", which costs {(free - taken.value) / free:.1%} of the value" if free > 0 and taken.lot else ""
    return (
        f"Of plans that do not look at '{of}' the best to reach its groups alike was taken: {taken.lot:.0%} "
        f"of it is given by lot among those not expected to be harmed{cost}."
    )


def words_of(campaign: Campaign, currency: str) -> Words:
    """What money and value are called."""
    return Words(currency, f"of '{campaign.outcome}'" if campaign.worth is None else currency)


def asked(tables: Tables, brief: Brief, fitted: Scores | Forecast, share: float = 1.0) -> Asked:
    """What a campaign asks of a plan for the people of a forecast, or of the experiment.

    `share`: how many people there are for each whom its limits were declared for.
    """
    campaign, options = brief.campaign, options_of(tables, brief, fitted)
    households = households_of(tables, brief, options.persons)
    if campaign.limits.one_per_household and households is None:
        found, todo = "no source says who lives together", "Map a household, or leave one_per_household out."
        raise CampaignError(f"campaign '{campaign.name}'", found, todo)
    parity, groups = campaign.limits.parity, None
    limits = _limits(campaign, share)
    if parity is not None:
        groups = groups_of(tables, brief, options.persons, parity.of, parity.mode)
        if parity.mode == "constrained":
            terms = (parity.measure, parity.least_ratio, parity.most_gap)
            limits = (*limits, Parity(parity.of, groups.of, *terms))
    return Asked(options, limits, households if campaign.limits.one_per_household else None, groups, ())


def options_of(tables: Tables, brief: Brief, fitted: Scores | Forecast) -> Options:
    """What could be done for each person: effects, costs as expected from the models, what it is worth."""
    campaign, treatments = brief.campaign, brief.design.treatments[1:]
    costs = np.empty_like(fitted.effects)
    for i, treatment in enumerate(treatments):
        costs[:, i] = treatment.cost
        if treatment.price_if is not None:
            costs[:, i] += treatment.price * np.clip(fitted.expected[treatment.price_if][:, i + 1], 0, None)
    names = tuple(treatment.name for treatment in treatments)
    permitted = np.array([name not in brief.refused for name in names])
    effects = fitted.effects
    if campaign.neutral is not None:
        effects = _with_neutral(effects, names.index(campaign.neutral))
    believed = effects if not campaign.cautious else effects - _doubt(tables, brief, fitted.persons, effects)
    values = None
    if campaign.worth is not None:
        values = campaign.worth * believed - costs
    elif campaign.cautious:
        values = believed
    return Options(fitted.persons, campaign.control, names, effects, costs, permitted, values)


def _with_neutral(effects: Floats, neutral: int) -> Floats:
    """The average effect of the neutral treatment, for whoever nothing is known of."""
    unknown = np.isnan(effects).all(axis=1)
    if not unknown.any() or unknown.all():
        return effects
    filled = effects.copy()
    filled[unknown, neutral] = effects[~unknown, neutral].mean()
    return filled


def _doubt(tables: Tables, brief: Brief, persons: Ids, effects: Floats) -> Floats:
    """Half the width of each effect's interval, towards less; what has none is not believed at all."""
    model = model_of(tables, brief)
    traits = traits_of(tables, brief.catalogue, brief.gate.occasion)
    rows = pc.index_in(pa.array(persons), traits["person"].combine_chunks())
    halves = model.half_widths(model.coding.encode(traits.take(rows)))
    if halves is None:
        found, todo = "no learner of its effects tells how sure it is", "Leave cautious out."
        raise CampaignError(f"campaign '{brief.campaign.name}'", found, todo)
    doubt = np.where(np.isfinite(halves), halves, np.nan)
    return np.where(np.isnan(effects), np.nan, -doubt if (brief.campaign.worth or 0) < 0 else doubt)


def _limits(campaign: Campaign, share: float) -> tuple[Limit, ...]:
    """Money and numbers of people, by channel or day of the treatments."""
    places = [{t.channel, None if t.day is None else str(t.day)} for t in campaign.treatments.values()]

    def there(name: str) -> Bools:
        return np.array([name in place for place in places], np.bool_)

    money = (
        Money(f"money for {name}", there(name), share * most) for name, most in campaign.limits.money.items()
    )
    people = (
        Capacity(
            f"people by {name}",
            there(name),
            np.inf if held.most is None else share * held.most,
            None if held.least is None else share * held.least,
        )
        for name, held in campaign.limits.capacity.items()
    )
    return (*money, *people)


def groups_of(tables: Tables, brief: Brief, persons: Ids, trait: str, mode: str) -> Groups:
    """The groups of a trait, if the rules let it measure, or steer, a plan.

    Raises
    ------
    TraitRefusedError
        They do not.
    CampaignError
        The trait is unknown, or has too many values.
    """
    asked = f"parity of campaign '{brief.campaign.name}'"
    if trait not in brief.catalogue:
        raise CampaignError(asked, f"unknown trait '{trait}'", "Name one of traits/.")
    role = "parity" if mode == "constrained" else "group"
    brief.gate.admit_traits(role, [(trait, brief.catalogue[trait].category, brief.source.basis)])
    known = traits_of(tables, brief.catalogue, brief.gate.occasion)
    rows = pc.index_in(pa.array(persons), known["person"].combine_chunks())
    coded = known[trait].combine_chunks().take(rows).cast(pa.string()).fill_null(UNKNOWN).dictionary_encode()
    names = coded.dictionary.to_pylist()
    if len(names) > GROUPS:
        found = f"trait '{trait}' has {len(names)} values"
        raise CampaignError(asked, found, f"Name a trait of at most {GROUPS} values.")
    return Groups(tuple(names), coded.indices.to_numpy().astype(np.int64))


def with_history(
    wanted: Asked, tables: Tables, ledger: Ledger, brief: Brief, settings: Settings, folder: Path, key: bytes
) -> Asked:
    """Close what caps and plurality close, from what everybody had before from other campaigns."""
    persons = wanted.options.persons
    past = _Past(tables, ledger, brief)
    closed = np.zeros((len(persons), len(wanted.options.treatments)), np.bool_)
    notes, households = list[str](), wanted.households
    if settings.held_out:
        aside = holdout.globally_held_out(_units(tables, brief, persons), settings.held_out, key)
        closed |= aside[:, None]
        notes += _told(aside, "are held out of all campaigns")
    if settings.cap is not None:
        had = past.had(persons, settings.cap.days, brief.campaign.delivered.channel).had()
        closed |= (had >= settings.cap.sends)[:, None]
        notes += _told(had >= settings.cap.sends, "had as many messages as the cap allows")
    if settings.household_cap is not None:
        full, households = _full_households(past, persons, settings.household_cap)
        closed |= full[:, None]
        notes += _told(full, "live where as many messages came as the household's cap allows")
    if settings.plurality is not None:
        terms = settings.plurality
        mixed = plurality.Plurality(terms.days, terms.least_share, terms.least_entropy, terms.of)
        one_sided, said = _one_sided(past.had(persons, terms.days, None), mixed, brief, folder)
        closed |= one_sided
        notes += said
    options = replace(wanted.options, closed=closed if closed.any() else None)
    return replace(wanted, options=options, households=households, notes=(*wanted.notes, *notes))


def _units(tables: Tables, brief: Brief, persons: Ids) -> Ids:
    """The household of each person by a number that is the same for all campaigns."""
    everybody = np.sort(tables.read("traits", "ingest")["person"].to_numpy())
    homes = households_of(tables, brief, everybody)
    units = everybody if homes is None else layers.households(everybody, homes)
    return units[np.searchsorted(everybody, persons)]


@dataclass(frozen=True)
class _Past:
    """What people had before, but for the campaign itself: planning it again must find the same."""

    tables: Tables
    ledger: Ledger
    brief: Brief

    def had(self, persons: Ids, days: int, channel: Channel | None) -> sends.History:
        """Messages within so many days, in one channel or all."""
        here = self.brief.campaign.delivered.channel
        details = details_of(self.tables, here)
        known = np.isin(persons, details["person"].to_numpy())
        addresses: list[bytes | None] = [None] * len(persons)
        for row, told in zip(np.flatnonzero(known), hashes(details, persons[known]), strict=True):
            addresses[row] = told
        since = self.brief.gate.occasion.at - timedelta(days=days)
        found = sends.history(self.ledger, persons, addresses, since, channel)
        own = np.array([name == self.brief.campaign.name for name, _ in found.treatments], np.bool_)
        others = ~own[found.said] if len(own) else np.ones(len(found.said), np.bool_)
        return replace(found, rows=found.rows[others], sends=found.sends[others], said=found.said[others])


def _full_households(past: _Past, persons: Ids, cap: CapTerms) -> tuple[Bools, Ids]:
    """Who lives where as many messages came as a household may get, and the household of each person.

    What came to those who are not in the plan counts, too. Two of a household that had one message less than
    the cap would take it beyond: with the households, the plan gives one a round.
    """
    everybody = np.sort(past.tables.read("traits", "ingest")["person"].to_numpy())
    homes = households_of(past.tables, past.brief, everybody)
    homes = -everybody - 1 if homes is None else homes
    had = past.had(everybody, cap.days, None).had(homes)
    places = np.searchsorted(everybody, persons)
    return had[places] >= cap.sends, homes[places]


def _told(whom: Bools, what: str) -> list[str]:
    people = int(whom.sum())
    return [f"{people:,} people {what}: nothing for them now."] if people else []


def _one_sided(
    before: sends.History, mixed: plurality.Plurality, brief: Brief, folder: Path
) -> tuple[Bools, Sequence[str]]:
    """Options closed by what people heard already."""
    own = [_tags(brief, name, mixed.of) for name in brief.campaign.treatments]
    past = [_past_tags(folder, *which, mixed.of) for which in before.treatments]
    names = sorted(frozenset().union(*own, *past))
    options = np.array([[name in tags for name in names] for tags in own], np.bool_).reshape(
        len(own), len(names)
    )
    rule = mixed.rule(len(names))
    said = np.array([[name in tags for name in names] for tags in past], np.bool_).reshape(
        len(past), len(names)
    )
    heard = plurality.recent(before.rows, said[before.said], before.people, rule)
    closed = plurality.closed_by_plurality(heard, options, rule)
    return closed, plurality.plurality_notes(tuple(brief.campaign.treatments), options, closed, mixed.of)


def _tags(brief: Brief, treatment: str, of: Literal["stance", "topics"]) -> frozenset[str]:
    message = brief.campaign.treatments[treatment].message
    return frozenset() if message is None else brief.messages[message].tags(of)


def _past_tags(
    folder: Path, campaign: str, treatment: str, of: Literal["stance", "topics"]
) -> frozenset[str]:
    """What review says of a message of any campaign; nothing where its file is gone."""
    if not (folder / "campaigns" / f"{campaign}.toml").exists():
        return frozenset()
    terms = campaign_from(named(folder / "campaigns", campaign, CampaignError)).treatments.get(treatment)
    if terms is None or terms.message is None:
        return frozenset()
    return message_from(named(folder / "messages", terms.message, CampaignError)).tags(of)
