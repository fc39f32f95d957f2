"""What a campaign says, word for word, and the digest that an approval is bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from suasion.disclosure.label import every_label
from suasion.disclosure.notice import links, notice_of
from suasion.errors import CampaignError
from suasion.ledger import Campaign, log
from suasion.messages import Message, fields
from suasion.segments import Segment


@dataclass(frozen=True)
class Wording:
    """What one treatment says, as templates, and what stands in where a trait is not known."""

    message: str
    variant: str
    subject: str | None
    text: str
    html: str | None
    fallbacks: dict[str, Any]


def content_digest(
    campaign: Campaign, segment: Segment, messages: Mapping[str, Message], public_url: str
) -> str:
    """Digest of what is said, by whom and to whom: an approval holds for this and nothing else.

    Sponsor, purpose, segment, sender, imprint, channel, the words of every treatment, the labels of every
    place, and where links lead; neither money nor times.

    Parameters
    ----------
    campaign : Campaign
    segment : Segment
    messages : mapping of str to Message
        By name; those that the campaign does not use do not count.
    public_url : str
        Where recipients reach us.

    Returns
    -------
    str
        SHA-256, hexadecimal.

    Raises
    ------
    CampaignError
        The campaign is not delivered, or one of its treatments says nothing.
    """
    terms = campaign.delivered
    said = {
        "campaign": campaign.name,
        "sponsor": campaign.sponsor,
        "purpose": str(campaign.purpose),
        "segment": [segment.name, segment.digest],
        "sender": terms.sender,
        "imprint": terms.imprint,
        "channel": str(terms.channel),
        "links": links(public_url),
        "notice": asdict(notice_of(campaign, segment, public_url, every_label())),
        "treatments": {name: asdict(one) for name, one in wordings(campaign, messages).items()},
    }
    return hashlib.sha256(log.canonical(said).encode()).hexdigest()


def wordings(campaign: Campaign, messages: Mapping[str, Message]) -> dict[str, Wording]:
    """The words of every treatment, by its name."""
    said: dict[str, Wording] = {}
    for name, terms in campaign.treatments.items():
        if terms.message is None or terms.message not in messages:
            asked, found = f"campaign '{campaign.name}'", f"treatment '{name}' has no message that is known"
            raise CampaignError(asked, found, "Name one of messages/ in it.")
        said[name] = _wording(messages[terms.message], terms.variant)
    return said


def _wording(message: Message, variant: str | None) -> Wording:
    chosen = message.variant(variant)
    used = fields(chosen)
    fallbacks = message.model_dump(mode="json", include={"fallbacks"})["fallbacks"]
    return Wording(
        message=message.name,
        variant=variant or next(iter(message.variants)),
        subject=chosen.subject,
        text=chosen.text,
        html=chosen.html,
        fallbacks={name: value for name, value in fallbacks.items() if name in used},
    )
