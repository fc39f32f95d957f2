"""What a sponsor declares for the public record of a campaign: the table ``[disclosure]`` of its file."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from suasion.declarations import Declared

MOST_EPSILON = 1.2
"""With it, all noisy counts of a campaign together let nobody guess better than by chance by 5 points."""
Said = Annotated[str, Field(min_length=1)]
Link = Annotated[str, Field(pattern=r"^(https?://|mailto:)[!-~]+$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False, strict=True)]


class PartyTerms(Declared):
    """Who somebody is, and where: `place` is an ISO 3166 code, `register_no` an official number."""

    name: Said | None = None
    legal_name: Said | None = None
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    postal: Said | None = None
    place: Country | None = None
    register_no: Said | None = None


class SponsorTerms(PartyTerms):
    """Who speaks. `controlled_by` is who ultimately controls the sponsor, `controlled_from` where that is.

    A sponsor that nobody else controls says neither. `may_vote`: a person from outside who may vote in the
    linked vote; `committee`: a political committee in the sense of the law of the place.
    """

    controlled_by: Said | None = None
    controlled_from: Country | None = None
    may_vote: bool | None = None
    committee: bool | None = None


class ProcessTerms(Declared):
    """The vote or the law that a campaign is about; ``none`` says that there is none."""

    kind: Literal["election", "referendum", "legislation", "none"]
    name: Said | None = None
    territory: Country | None = None
    on: date | None = None
    official_url: Link | None = None


class MoneyTerms(Declared):
    """Where the money comes from, and how amounts were found; in the workspace's currency.

    `in_kind` is the value of what was given for nothing; `campaign_total` the money of the whole campaign of
    which this is a part. `inside_eu`: all of it comes from inside the Union.
    """

    origin: Literal["public", "private", "both"] | None = None
    inside_eu: bool | None = None
    method: Said | None = None
    in_kind: Amount | None = None
    campaign_total: Amount | None = None


class DisclosureTerms(Declared):
    """Who speaks, who pays, and what else the public is told; all of it may be left out unless a rule asks.

    The payer is the sponsor unless another is named. A record that is not published is not listed: who has
    its link reads it, and the log holds it. `authorization` are the words on whether a candidate authorized
    it. `ai` says how far the words were made by a machine, `ai_marking` how that is marked. `epsilon` is the
    privacy that all published counts of the campaign together may cost. `suspended` says of an earlier
    suspension why it was.
    """

    publish: bool = True
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")], ...] = ()
    sponsor: SponsorTerms = SponsorTerms()
    payer: PartyTerms | None = None
    promoter: PartyTerms | None = None
    process: ProcessTerms | None = None
    money: MoneyTerms = MoneyTerms()
    authorization: Said | None = None
    complaint_url: Link | None = None
    complaint_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    policy_url: Link | None = None
    risk_assessment_url: Link | None = None
    repository_url: Link | None = None
    dpia: Said | None = None
    dpia_signed_by: Said | None = None
    ai: Literal["none", "assisted", "full"] | None = None
    ai_marking: Said | None = None
    tracking: bool = False
    radius_km: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    personal_price: bool | None = None
    price_disclosed: bool | None = None
    remunerated: bool | None = None
    remuneration_disclosed: bool | None = None
    outside_transfer: bool | None = None
    transfer_safeguard: Said | None = None
    suspended: Said | None = None
    keep_years: Annotated[int, Field(ge=1, le=100)] = 7
    epsilon: Annotated[float, Field(gt=0, le=MOST_EPSILON)] = 1.0
