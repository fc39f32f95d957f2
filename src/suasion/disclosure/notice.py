"""The notice under every message: who pays, who answers for it, why me, and how to stop it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from suasion.disclosure.label import labels_of
from suasion.disclosure.parties import parties_of
from suasion.ledger import Campaign
from suasion.segments import Segment

_STYLE = 'style="font-size:13px;line-height:1.5"'
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


def notice_of(campaign: Campaign, segment: Segment, public_url: str, part: str) -> Notice:
    """Write the footer of the messages of a part of a campaign.

    Parameters
    ----------
    campaign : Campaign
    segment : Segment
    public_url : str
        Where recipients reach us.
    part : str
        Name of the part; its regimes say which labels are under its messages.

    Returns
    -------
    Notice

    Raises
    ------
    CampaignError
        The campaign is not delivered.
    """
    opt_out, why = (f"{link}{_TOKEN}" for link in links(public_url))
    imprint, labels = _line(campaign.delivered.imprint), labels_of(campaign, segment, public_url, part)
    payer, pays = _pays(campaign)
    purpose = f"Its purpose: {campaign.purpose.replace('_', ' ')}."
    marking = campaign.disclosure.ai_marking
    more = [*(label.text for label in labels), *([] if marking is None else [_line(marking)])]
    notices = [label.link for label in labels if label.link is not None]
    text = (
        "\n----\n"
        + "".join(f"{line}\n" for line in more)
        + f"{payer} {pays} {purpose}\n{imprint}\n\n"
        + "".join(f"Transparency notice: {link}\n" for link in notices)
        + f"Why you get it: {why}\nStop all e-mail from us: {opt_out}\n"
    )
    html = (
        "<hr>\n"
        + "".join(f"<p {_STYLE}>{escape(line)}</p>\n" for line in more)
        + f"<p {_STYLE}><strong>{escape(payer)}</strong> {escape(pays)} {purpose}<br>\n"
        f"{escape(imprint)}</p>\n<p {_STYLE}>"
        + "".join(f'<a href="{escape(link)}">Transparency notice</a> &nbsp; ' for link in notices)
        + f'<a href="{escape(why)}">Why you get it</a> &nbsp; '
        f'<a href="{escape(opt_out)}">Stop all e-mail from us</a></p>\n'
    )
    return Notice(tuple(text.split(_TOKEN)), tuple(html.split(_TOKEN)))


def _pays(campaign: Campaign) -> tuple[str, str]:
    """Who pays, and what for."""
    parties, sponsor = parties_of(campaign), _line(campaign.sponsor)
    if parties.payer == parties.sponsor:
        return sponsor, "pays for this message."
    return _line(parties.payer.name), f"pays for this message of {sponsor}."


def links(public_url: str) -> tuple[str, str]:
    """Where the links of every message begin, opt-out and why-me; the token of the send follows.

    Examples
    --------
    >>> links("https://town.example/")
    ('https://town.example/o/', 'https://town.example/why/')
    """
    root = public_url.rstrip("/")
    return f"{root}/o/", f"{root}/why/"


def _line(text: str) -> str:
    return " ".join(text.split())
