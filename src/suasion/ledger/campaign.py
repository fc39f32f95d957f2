"""A campaign as its sponsor declares it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy import Connection, insert, select

from suasion.declarations import Declared, read
from suasion.errors import CampaignError
from suasion.ledger.schema import campaigns
from suasion.rules import Channel, Purpose

Money = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class TreatmentTerms(Declared):
    """What a treatment says and costs.

    `cost` is paid for everybody treated; `price` only where the outcome `price_if` comes true
    (a voucher that is redeemed).
    """

    message: str | None = None
    variant: str | None = None
    cost: Money = 0.0
    price: Money = 0.0
    price_if: str | None = None


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
    spread over all treatments that are not expected to harm, so that later policies can be judged.
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
    treatments: dict[str, TreatmentTerms] = Field(min_length=1)
    proxies_approved_by: str | None = Field(default=None, min_length=1)
    delivery: DeliveryTerms | None = None

    @property
    def digest(self) -> str:
        """Digest of the declaration: a changed campaign is another one."""
        return _digest(self.model_dump_json())

    @property
    def terms(self) -> str:
        """Digest of what may not change once sending has begun: all but money and times."""
        free = {"budget": True, "delivery": {"not_after", "hours"}}
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
    return declared


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
