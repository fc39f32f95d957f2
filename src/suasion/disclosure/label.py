"""What the law of a place wants under a message: who speaks and who pays, in the words it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from suasion.disclosure.parties import Party, parties_of, process_of
from suasion.ledger import Campaign
from suasion.rules import Purpose
from suasion.segments import Segment

HOUSE = "house"
"""The part of a campaign whose people are under the rules of the house alone."""
POLITICS = frozenset({Purpose.POLITICAL, Purpose.ADVOCACY})


@dataclass(frozen=True)
class Label:
    """One label.

    Parameters
    ----------
    regime : str
        Whose law asks for it.
    cite : str
    text : str
    link : str or None
        Where the notice is to which it points.
    """

    regime: str
    cite: str
    text: str
    link: str | None = None


def targets(campaign: Campaign, segment: Segment) -> bool:
    """Whether people, or what they get, are chosen by what is known of them."""
    return bool(segment.expression.names or campaign.features)


def labels_of(campaign: Campaign, segment: Segment, public_url: str, part: str) -> tuple[Label, ...]:
    """The labels of the messages of a part.

    Parameters
    ----------
    campaign : Campaign
    segment : Segment
    public_url : str
    part : str
        Name of the part: its regimes, joined by "+".

    Returns
    -------
    tuple of Label
        Those of its regimes that ask for one for this purpose.
    """
    made: list[Label] = []
    for regime in sorted(set(part.split("+")) & set(_LABELS)):
        purposes, cite, write = _LABELS[regime]
        if campaign.purpose in purposes:
            link = notice_url(public_url, campaign.name, part) if regime == "eu_political" else None
            made.append(Label(regime, cite, _line(write(campaign, segment)), link))
    return tuple(made)


def every_label() -> str:
    """A part under all regimes that have labels: what is approved is approved for every place."""
    return "+".join(sorted(_LABELS))


def notice_url(public_url: str, campaign: str, part: str) -> str:
    """Where the transparency notice of a part is.

    Examples
    --------
    >>> notice_url("https://town.example/", "yes", "eu_gdpr+eu_political")
    'https://town.example/campaigns/yes/notice?part=eu_gdpr%2Beu_political'
    """
    root = public_url.rstrip("/")
    return f"{root}/campaigns/{quote(campaign, safe='')}/notice?part={quote(part, safe='')}"


def _european(campaign: Campaign, segment: Segment) -> str:
    """Words of Regulation (EU) 2024/900, Art. 11, in the order of Implementing Regulation (EU) 2025/1410."""
    parties, process = parties_of(campaign), process_of(campaign)
    by = f", controlled by {parties.controlled_by}" if parties.controlled_by else ""
    linked = f" Linked to: {process}." if process else ""
    targeted = (
        " It is targeted: its recipients were chosen by personal data." if targets(campaign, segment) else ""
    )
    return f"Political advertisement. Sponsor: {parties.sponsor.shown}{by}.{linked}{targeted}"


def _british(campaign: Campaign, _segment: Segment) -> str:
    parties = parties_of(campaign)
    promoter = parties.promoter or parties.sponsor
    behalf = "" if promoter == parties.sponsor else f" on behalf of {_addressed(campaign, parties.sponsor)}"
    return f"Promoted by {_addressed(campaign, promoter)}{behalf}."


def _american(campaign: Campaign, _segment: Segment) -> str:
    said = f" {campaign.disclosure.authorization}" if campaign.disclosure.authorization else ""
    return f"Paid for by {parties_of(campaign).payer.shown}.{said}"


def _commercial(campaign: Campaign, _segment: Segment) -> str:
    return f"This message is an advertisement of {_addressed(campaign, parties_of(campaign).sponsor)}."


def _canadian(campaign: Campaign, _segment: Segment) -> str:
    sponsor = parties_of(campaign).sponsor
    reach = f", {sponsor.email}" if sponsor.email else ""
    said = f"Sent by {_addressed(campaign, sponsor)}{reach}."
    return f"{said} You can withdraw your consent at any time by the link below."


def _addressed(campaign: Campaign, party: Party) -> str:
    """Name and postal address; the imprint has the sponsor's where it is not declared alone."""
    if party.postal:
        return f"{party.shown}, {party.postal}"
    delivered = campaign.delivery is not None and party.name == campaign.sponsor
    return campaign.delivery.imprint if delivered and campaign.delivery is not None else party.shown


def _line(text: str) -> str:
    return " ".join(text.split()).replace("..", ".")


_LABELS: dict[str, tuple[frozenset[Purpose], str, Callable[[Campaign, Segment], str]]] = {
    "eu_political": (POLITICS, "Regulation (EU) 2024/900, Art. 11; (EU) 2025/1410, Annex I", _european),
    "uk": (POLITICS, "Elections Act 2022, s. 41", _british),
    "us_political": (POLITICS, "11 CFR 110.11", _american),
    "us_canspam": (frozenset({Purpose.COMMERCIAL}), "15 USC 7704(a)(5)", _commercial),
    "ca_casl": (frozenset({Purpose.COMMERCIAL}), "S.C. 2010, c. 23, s. 6(2)", _canadian),
}
