"""The notice under every message: who pays, who answers for it, why me, and how to stop it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from suasion.errors import CampaignError
from suasion.ledger import Campaign, DeliveryTerms

_TOKEN = "\0"  # no declaration holds it: TOML forbids it


@dataclass(frozen=True)
class Notice:
    """A footer, cut where the token of a send goes; made by `notice_of`.

    Parameters
    ----------
    text_parts, html_parts : tuple of str
    """

    text_parts: tuple[str, ...]
    html_parts: tuple[str, ...]

    def text(self, token: str) -> str:
        """The footer of one person's message as plain text; `token` is safe in URLs."""
        return token.join(self.text_parts)

    def html(self, token: str) -> str:
        """The same as a piece of HTML, in which everything declared is escaped."""
        return token.join(self.html_parts)


def notice_of(campaign: Campaign, public_url: str) -> Notice:
    """Write the footer of a campaign's messages.

    Parameters
    ----------
    campaign : Campaign
    public_url : str
        Where recipients reach us.

    Returns
    -------
    Notice

    Raises
    ------
    CampaignError
        The campaign is not delivered.
    """
    opt_out, why = (f"{link}{_TOKEN}" for link in links(public_url))
    sponsor, imprint = _line(campaign.sponsor), _line(delivery_of(campaign).imprint)
    purpose = f"Its purpose: {campaign.purpose.replace('_', ' ')}."
    text = (
        f"\n----\n{sponsor} pays for this message. {purpose}\n{imprint}\n\n"
        f"Why you get it: {why}\nStop all e-mail from us: {opt_out}\n"
    )
    html = (
        '<hr>\n<p style="font-size:13px;line-height:1.5">'
        f"<strong>{escape(sponsor)}</strong> pays for this message. {purpose}<br>\n{escape(imprint)}</p>\n"
        f'<p style="font-size:13px;line-height:1.5"><a href="{escape(why)}">Why you get it</a> &nbsp; '
        f'<a href="{escape(opt_out)}">Stop all e-mail from us</a></p>\n'
    )
    return Notice(tuple(text.split(_TOKEN)), tuple(html.split(_TOKEN)))


def links(public_url: str) -> tuple[str, str]:
    """Where the links of every message begin, opt-out and why-me; the token of the send follows.

    Examples
    --------
    >>> links("https://town.example/")
    ('https://town.example/o/', 'https://town.example/why/')
    """
    root = public_url.rstrip("/")
    return f"{root}/o/", f"{root}/why/"


def delivery_of(campaign: Campaign) -> DeliveryTerms:
    """How a campaign reaches people; CampaignError where it does not."""
    if campaign.delivery is None:
        asked, found = (
            f"campaign '{campaign.name}'",
            "it has no [delivery] table, so it tells nobody anything",
        )
        raise CampaignError(asked, found, "Add the table, with channel, sender, imprint and not_after.")
    return campaign.delivery


def _line(text: str) -> str:
    return " ".join(text.split())
