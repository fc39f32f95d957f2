"""A campaign as its sponsor declares it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator
from sqlalchemy import Connection, insert, select

from suasion.declarations import Declared, closest, read
from suasion.errors import CampaignError
from suasion.ledger.disclosed import DisclosureTerms
from suasion.ledger.schema import campaigns
from suasion.rules import Channel, Purpose

MOST_MONEY = 1e15
"""Beyond it sums lose their cents."""
Money = Annotated[float, Field(ge=0, le=MOST_MONEY, allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(ge=0, le=1)]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class TreatmentTerms(Declared):
    """What a treatment says and costs, and where and when it is given.

    `cost` is paid for everybody treated; `price` only where the outcome `price_if` comes true
    (a voucher that is redeemed). Limits are declared by `channel` and by `day`.
    """

    message: str | None = None
    variant: str | None = None
    cost: Money = 0.0
    price: Money = 0.0
    price_if: str | None = None
    channel: Label | None = None
    day: date | None = None


class CapacityTerms(Declared):
    """At most, or at least, so many people."""

    most: int | None = Field(default=None, ge=0)
    least: int | None = Field(default=None, ge=0)


class ParityTerms(Declared):
    """Groups of the trait `of` are reached alike, by one of `least_ratio` and `most_gap`.

    `mode`: ``constrained`` makes the plan keep to it; ``blind`` chooses among plans that do not look at the
    trait, which only measures them; ``measure`` only says how it is. Rules decide which are permitted.
    """

    of: str
    mode: Literal["constrained", "blind", "measure"] = "constrained"
    measure: Literal["rate", "share"] = "rate"
    least_ratio: Share | None = None
    most_gap: Share | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.least_ratio is None) is (self.most_gap is None):
            raise ValueError("give one of least_ratio and most_gap")
        return self


class LimitTerms(Declared):
    """What a plan may not exceed; `money` and `capacity` by channel or day of the treatments.

    `least_people`: a treatment is given to nobody, or to at least so many.
    """

    one_per_household: bool = False
    least_people: int | None = Field(default=None, ge=1)
    money: dict[str, Money] = Field(default_factory=dict)
    capacity: dict[str, CapacityTerms] = Field(default_factory=dict)
    parity: ParityTerms | None = None


class GuardrailTerms(Declared):
    """What must not get worse.

    `watches` is ``opted_out``, ``complained`` or ``bounced``, whose rate among sends may be `most`; or an
    outcome, which the campaign may make worse than that of people left alone by `most`, in the outcome's
    own unit. `lower_is_worse` says which way an outcome gets worse.
    """

    watches: str
    most: float = Field(ge=0, allow_inf_nan=False)
    lower_is_worse: bool = False


class AnalysisTerms(Declared):
    """How the campaign will be judged, said before it is sent: its digest is in the log.

    `before` is a trait that tells the outcome in part, for sharper estimates; `subgroups` are traits.
    `looks`: ``sequence`` may be looked at whenever one likes, ``group_sequential`` a few times before
    `people` have answered, ``fixed`` once they have.
    """

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    before: str | None = None
    subgroups: tuple[str, ...] = ()
    looks: Literal["sequence", "group_sequential", "fixed"] = "sequence"
    people: int | None = Field(default=None, ge=2)
    guardrails: tuple[GuardrailTerms, ...] = ()

    @property
    def digest(self) -> str:
        """What is recorded before the first send."""
        return _digest(self.model_dump_json())


class DeliveryTerms(Declared):
    """How a live campaign reaches people, and who answers for it.

    `sender` is the From address, `imprint` the name and postal address under every message; nothing is
    sent after `not_after`, or outside `hours` in the workspace's time zone.
    """

    channel: Channel
    sender: str = Field(min_length=1)
    imprint: str = Field(min_length=1)
    not_after: AwareDatetime
    hours: tuple[time, time] | None = None


class Campaign(Declared):
    """Sponsor, purpose, people, treatments, outcome and budget, as written in ``campaigns/NAME.toml``.

    `holdout` and `exploration` are probabilities a person: the least that "nothing" gets, and what is
    spread over all treatments that are not expected to harm, so that later policies can be judged. Where
    `exploration` is not declared, it gives way to limits that leave no room for it. `worth` is the money
    that one more outcome is worth; below 0 where less of it is wanted. A `cautious` plan believes the lower
    end of each effect only. People of whom nothing is known get the treatment `neutral`, or nothing.
    `proxies_approved_by` names who approved features that tell a sensitive trait, where a rule asks for it.
    """

    name: str
    sponsor: str = Field(min_length=1)
    purpose: Purpose
    source: str
    segment: str
    control: str
    outcome: str
    also: tuple[str, ...] = ()
    features: tuple[str, ...]
    budget: Money
    holdout: float = Field(default=0.05, ge=0, le=1)
    exploration: float = Field(default=0.02, ge=0, le=1)
    worth: float | None = Field(default=None, ge=-MOST_MONEY, le=MOST_MONEY)
    cautious: bool = False
    neutral: str | None = None
    limits: LimitTerms = LimitTerms()
    analysis: AnalysisTerms = AnalysisTerms()
    treatments: dict[str, TreatmentTerms] = Field(min_length=1)
    proxies_approved_by: str | None = Field(default=None, min_length=1)
    delivery: DeliveryTerms | None = None
    disclosure: DisclosureTerms = DisclosureTerms()

    @property
    def delivered(self) -> DeliveryTerms:
        """How it reaches people.

        Raises
        ------
        CampaignError
            It does not.
        """
        if self.delivery is None:
            asked, found = (
                f"campaign '{self.name}'",
                "it has no [delivery] table, so it tells nobody anything",
            )
            raise CampaignError(asked, found, "Add the table, with channel, sender, imprint and not_after.")
        return self.delivery

    @property
    def adapts(self) -> bool:
        """Whether exploration may give way: it was not declared, or nothing can be paid for anyway."""
        return "exploration" not in self.model_fields_set or self.budget == 0

    @property
    def digest(self) -> str:
        """Digest of the declaration: a changed campaign is another one."""
        return _digest(self.model_dump_json())

    @property
    def terms(self) -> str:
        """Digest of what may not change once sending has begun: all but money, times, analysis, disclosure.

        What is added to the analysis later is told apart from what was planned; a disclosure is corrected by
        another record.
        """
        free = {"budget": True, "analysis": True, "disclosure": True, "delivery": {"not_after", "hours"}}
        return _digest(self.model_dump_json(exclude=free))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def campaign_from(path: Path) -> Campaign:
    """Read a campaign file.

    Parameters
    ----------
    path : Path
        ``campaigns/NAME.toml``; the file's stem is the campaign's name.

    Returns
    -------
    Campaign

    Raises
    ------
    CampaignError
        Absent, malformed, or contradicting itself.
    """
    asked = f"campaign '{path.stem}'"
    declared = read(path, Campaign, CampaignError, name=path.stem)
    for name, terms in declared.treatments.items():
        if (terms.price > 0) is not (terms.price_if is not None):
            found = f"treatment '{name}' has only one of price and price_if"
            raise CampaignError(asked, found, "Give both, or a plain cost.")
    for key, names in (("features", declared.features), ("also", declared.also)):
        if len(set(names)) < len(names):
            raise CampaignError(asked, f"a name twice in {key}", "Name each once.")
    if declared.control in declared.treatments:
        raise CampaignError(asked, "its control is also a treatment", "Control is what nothing means.")
    if declared.delivery is not None and declared.holdout == 0:
        found = "it is delivered, and its holdout is 0"
        raise CampaignError(asked, found, "Keep some people aside, or nobody will know what it changed.")
    if declared.holdout + declared.exploration > 1:
        raise CampaignError(asked, "holdout and exploration sum to more than 1", "Lower one of them.")
    _check_limits(asked, declared)
    return declared


def _check_limits(asked: str, declared: Campaign) -> None:
    """Limits name what is there, and worth wants what the purpose may want."""
    treatments = declared.treatments
    places = {t.channel for t in treatments.values()} | {str(t.day) for t in treatments.values() if t.day}
    for name in (*declared.limits.money, *declared.limits.capacity):
        if name not in places:
            found = f"a limit for '{name}', which is no channel or day of its treatments"
            raise CampaignError(asked, found, closest(name, [place for place in places if place]))
    if declared.neutral is not None and declared.neutral not in treatments:
        found = f"unknown neutral treatment '{declared.neutral}'"
        raise CampaignError(asked, found, closest(declared.neutral, treatments))
    votes = declared.purpose in {Purpose.CIVIC, Purpose.POLITICAL}
    if votes and declared.worth is not None and declared.worth < 0:
        found = "a negative worth: it would pay for fewer people who register or vote"
        raise CampaignError(asked, found, f"A {declared.purpose} campaign may only want more of it.")


def declare(campaign: Campaign, at: datetime) -> Callable[[Connection, int], None]:
    """Prepare the record of a campaign; declaring the same again changes nothing.

    Parameters
    ----------
    campaign : Campaign
    at : datetime

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, _run: int) -> None:
        same = (campaigns.c.name == campaign.name) & (campaigns.c.digest == campaign.digest)
        if connection.execute(select(campaigns.c.name).where(same)).first() is None:
            row = {"name": campaign.name, "digest": campaign.digest, "declared_at": at.astimezone(UTC)}
            connection.execute(insert(campaigns).values(**row, declared=campaign.model_dump_json()))

    return write
