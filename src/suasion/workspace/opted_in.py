"""Double opt-in in a workspace: one plain mail with a link, and a button behind it."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from suasion.delivery import Fate, Mail
from suasion.errors import DeliveryError, InputError
from suasion.ledger import said, tokens
from suasion.rights import person_named, proofs
from suasion.rules import Channel, Purpose
from suasion.workspace.asked import carrier_of, sender_of
from suasion.workspace.live import public_url
from suasion.workspace.workspace import Workspace


def ask(
    workspace: Workspace,
    named: str,
    purpose: Purpose,
    words: str,
    capture: str,
    *,
    separate: bool = False,
    written: bool = False,
    expires_on: date | None = None,
) -> None:
    """Record that a person said yes to e-mail, and mail the link that confirms it to their address on file.

    Until they confirm, it counts for nothing.

    Parameters
    ----------
    workspace : Workspace
    named : str
        ``KIND=VALUE``.
    purpose : Purpose
    words : str
        What the person was shown, word for word.
    capture : str
        How the answer was taken, for example ``web form``.
    separate, written : bool
        Asked for this purpose alone; signed or ticked.
    expires_on : date, optional
        The last day of the consent.

    Raises
    ------
    InputError
        Nobody is known by `named`, or they have no address of their own; or see `ledger.opt_in.ask`.
    WorkspaceError
        The key is absent, or nobody is declared who sends mail.
    DeliveryError
        The mail was not taken.
    """
    tokens.require_key(workspace.ledger, workspace.key)
    at, speaks = workspace.now(), sender_of(workspace)
    sponsor, terms = speaks.sponsor, speaks.delivered
    url = public_url(workspace.settings).rstrip("/")
    person, to = _reached(workspace, named)
    token = said.opt_in.ask(
        *(workspace.ledger, workspace.key, person, (purpose, Channel.EMAIL), words, capture, at),
        separate=separate,
        written=written,
        expires_on=expires_on,
    )
    content = confirmation_mail(
        to, words.strip(), f"{url}/consent/{token}", terms.sender, sponsor, terms.imprint, at
    )
    # The token is too long for the name of a file, and not to be read from one.
    mail = Mail(0, tokens.hash_of(workspace.key, "consent", token).hex(), to, content)
    with closing(carrier_of(workspace, terms.sender)) as carrier:
        carrier.stage([mail])
        (handed,) = carrier.hand_over([mail])
    if handed.fate is not Fate.ACCEPTED:
        raise DeliveryError("the link", handed.reason or str(handed.fate), "Ask again.")


def withdraw(workspace: Workspace, named: str, purpose: Purpose, channel: Channel) -> int:
    """Record a person's no, which no import undoes.

    Returns
    -------
    int
        How many others have the same e-mail address; what they said stands.

    Raises
    ------
    InputError
        Nobody is known by `named`.
    """
    tokens.require_known_key(workspace.ledger, workspace.key)
    person = _person(workspace, named)
    said.opt_in.withdraw(workspace.ledger, person, (purpose, channel), workspace.now())
    return proofs.housemates(workspace.holdings(), person)


def confirmation_mail(
    to: str, words: str, link: str, sender: str, sponsor: str, imprint: str, at: datetime
) -> bytes:
    """The mail that asks a person to confirm, and offers nothing else.

    Parameters
    ----------
    to : str
        Their address on file.
    words : str
        What they said yes to.
    link : str
        To the page with the button.
    sender, sponsor, imprint : str
        Who writes.
    at : datetime
        Now.

    Returns
    -------
    bytes
    """
    last = at + timedelta(hours=said.opt_in.LINK_HOURS)
    until = f"{last.day} {last:%B %Y, %H:%M %Z}"
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = "Please confirm that we may write to you"
    mail["Date"], mail["Auto-Submitted"] = format_datetime(at), "auto-generated"
    mail.set_content(
        f'Somebody gave us this address and agreed to this:\n\n"{words}"\n\n'
        f"If it was you, open this page and press the button, by {until}:\n{link}\n\n"
        "If it was not you, do nothing. Then we do not write to you again about this.\n\n"
        f"{sponsor}\n{imprint}\n"
    )
    return mail.as_bytes()


def _person(workspace: Workspace, named: str) -> int:
    person = person_named(workspace.holdings(), named)
    if person is None:
        raise InputError("a person", "nobody is known by this", "Name one by KIND=VALUE, as sources do.")
    return person


def _reached(workspace: Workspace, named: str) -> tuple[int, str]:
    """The person and their address."""
    person = _person(workspace, named)
    to = proofs.addresses_of(workspace.holdings(), [person]).get(person)
    if to is None:
        found = "they have no e-mail address that is theirs alone and may be written to"
        raise InputError("a consent to be confirmed", found, "Ask them on paper.")
    return person, to
