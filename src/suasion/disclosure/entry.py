"""The campaign's record: who pays, what is said to whom and why, for everybody to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from suasion.disclosure.content import Wording
from suasion.disclosure.counts import Count
from suasion.disclosure.label import Label

SCHEMA = "suasion/record/2"
OPT_OUT = "Every message has a link that stops all further ones; it is in force before it is confirmed."


@dataclass(frozen=True)
class Aim:
    """The people aimed at: the name and label of the segment, and its expression in normal spelling."""

    segment: str
    label: str
    expression: str


@dataclass(frozen=True)
class Used:
    """A trait that was used: in the ``segment``, the ``score`` or a ``message``; and who it is known from.

    Nobody told what is known from ``inferred``: it is a score; nor from ``computed``: it follows from events.
    """

    trait: str
    label: str
    category: str
    roles: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where data come from, and on what ground they are held."""

    source: str
    licence: str
    basis: str


@dataclass(frozen=True)
class Criterion:
    """One thing that people are chosen by: what must be true of them, and why."""

    parameter: str
    value: str
    why: str


@dataclass(frozen=True)
class Targeting:
    """How people are chosen.

    Parameters
    ----------
    used : bool
        Whether personal data choose people, or what they get.
    include, exclude : tuple of Criterion
        Who is chosen, and who is left out.
    kept_out : tuple of Criterion
        Rules that keep people out.
    data_categories, never_used : tuple of str
        Kinds of data that are used, and kinds that the rules let no score use for this purpose.
    """

    used: bool
    include: tuple[Criterion, ...]
    exclude: tuple[Criterion, ...]
    kept_out: tuple[Criterion, ...]
    data_categories: tuple[str, ...]
    never_used: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """How it is learned whom a message helps: the short form of the model's card.

    Parameters
    ----------
    used : bool
    purpose : str
    learners : dict of str to float
        Their weights, as a mean over treatments.
    features : tuple of str
        Labels of the traits that they read.
    ranks : dict of str to bool
        By treatment: whether its effects may tell people apart; else everybody has the same.
    trained : Count
        People of the experiment that they learned from.
    """

    used: bool
    purpose: str
    learners: dict[str, float]
    features: tuple[str, ...]
    ranks: dict[str, bool]
    trained: Count


@dataclass(frozen=True)
class Told:
    """A treatment: its words and their digest, what it costs a person, who are planned to get it.

    `price` is paid only where the outcome `price_if` comes true. `share` is of all planned messages.
    """

    treatment: str
    says: Wording
    creative: str
    cost: float
    price: float
    price_if: str | None
    people: Count
    share: float


@dataclass(frozen=True)
class Approved:
    """Who agreed to the content, and when (ISO 8601)."""

    by: str
    at: str


@dataclass(frozen=True)
class Entry:
    """The record of a part of a campaign. It holds nothing about any recipient, and no exact count of people.

    Parameters
    ----------
    schema : str
    record_id : str
        Stays the same when the record is corrected; `record` adds a version tag.
    content : str
        Digest of what is said; the ledger lets nothing be sent that has another.
    campaign, part : str
    places : tuple of str
    published : bool
        Whether it is listed.
    sponsor, imprint, sender, purpose, territory, channel, public_url : str
    parties : dict
        Sponsor, payer and promoter with addresses; who controls the sponsor.
    labels : tuple of Label
        What the messages say of it.
    disclosure : dict
        What was declared besides: linked vote, money, complaints, policy, and so on.
    not_after : str
        ISO 8601.
    budget : float
    currency : str
    aim : Aim
    targeting : Targeting
    model : Model
    traits : tuple of Used
    sources : tuple of Origin
    treatments : tuple of Told
    audience : Count
        Who are eligible.
    least_audience : int
        No smaller group is aimed at.
    holdout, exploration : float
        The least probability of getting nothing, and the share that chance spreads over all treatments.
    parity : dict or None
        How alike groups are reached.
    rules : str
        Digest of the rules in force.
    approval : Approved or None
    analysis : dict
        How the campaign will be judged: outcomes, and the terms of its analysis.
    analysis_digest : str
        Of these terms.
    opt_out : str
        How recipients stop it.
    """

    schema: str
    record_id: str
    content: str
    campaign: str
    part: str
    places: tuple[str, ...]
    published: bool
    sponsor: str
    imprint: str
    sender: str
    purpose: str
    territory: str
    channel: str
    public_url: str
    parties: dict[str, Any]
    labels: tuple[Label, ...]
    disclosure: dict[str, Any]
    not_after: str
    budget: float
    currency: str
    aim: Aim
    targeting: Targeting
    model: Model
    traits: tuple[Used, ...]
    sources: tuple[Origin, ...]
    treatments: tuple[Told, ...]
    audience: Count
    least_audience: int
    holdout: float
    exploration: float
    parity: dict[str, Any] | None
    rules: str
    approval: Approved | None
    analysis: dict[str, Any]
    analysis_digest: str
    opt_out: str = OPT_OUT

    def as_dict(self) -> dict[str, Any]:
        """The record for the log: what JSON can hold."""
        return asdict(self)
