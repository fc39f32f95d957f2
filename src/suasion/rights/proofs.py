"""Who asks is shown through the channel we hold: a link to the address on file, never to one just given."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity import opened
from suasion.ledger import subject
from suasion.rights.holdings import Holdings
from suasion.rights.requests import Request, RequestKind
from suasion.rights.subject import identities

VALID = timedelta(days=7)
"""For how long a link holds."""

ASKED = {
    RequestKind.ACCESS: "to be shown all that we hold about you",
    RequestKind.PORTABILITY: "to be given your data to take elsewhere",
    RequestKind.RECTIFICATION: "to have your data corrected",
    RequestKind.ERASURE: "to have your data erased",
    RequestKind.RESTRICTION: "to have your data stored and nothing else done with them",
    RequestKind.OBJECTION: "not to be targeted",
    RequestKind.COMPLAINT: "to complain",
}
"""What each request is, after "somebody asked us"."""


def addresses_of(holdings: Holdings, persons: Collection[int]) -> dict[int, str]:
    """The e-mail address on file of each of some persons, that is theirs alone.

    Whoever has only an address that others have, too, is not among them: a housemate could read the link.
    Nor is whoever has only one that was erased, under whatever identifier: nobody writes there any more.

    Parameters
    ----------
    holdings : Holdings
    persons : collection of int

    Returns
    -------
    dict of int to str
    """
    found = _mails(holdings, persons)
    if found is None:
        return {}
    theirs, near = found
    owners: dict[bytes, set[int]] = {}
    for made, person in zip(near["hash"].to_pylist(), near["person"].to_pylist(), strict=True):
        owners.setdefault(made, set()).add(person)
    texts = opened(theirs, holdings.ledger, holdings.key)
    columns = ("person", "hash", "folded", "value")
    rows = zip(*(theirs[name].to_pylist() for name in columns), texts, strict=True)
    reached: dict[int, str] = {}
    gone = subject.erased_hashes(holdings.ledger)
    for person, made, mailbox, value, text in rows:
        if (text or value) and len(owners.get(made, ())) == 1 and not gone & {made, mailbox}:
            reached.setdefault(person, text or value)
    return reached


def housemates(holdings: Holdings, person: int) -> int:
    """How many others have an e-mail address that a person has."""
    found = _mails(holdings, [person])
    return 0 if found is None else len(set(found[1]["person"].to_pylist()) - {person})


def _mails(holdings: Holdings, persons: Collection[int]) -> tuple[pa.Table, pa.Table] | None:
    """The e-mail addresses of some persons, and of everybody who has one; None where nobody is known."""
    newest = next(identities(holdings), None)
    if newest is None:
        return None
    mails = newest.filter(pc.equal(newest["kind"], "email"))
    theirs = mails.filter(pc.is_in(mails["person"], value_set=pa.array(persons, pa.int64())))
    return theirs, mails.filter(pc.is_in(mails["hash"], value_set=theirs["hash"].combine_chunks()))


def mail_of(
    asked: Request, to: str, link: str, until: datetime, sender: str, sponsor: str, imprint: str, at: datetime
) -> bytes:
    """The mail with the link by which a person confirms a request.

    Parameters
    ----------
    asked : Request
    to : str
        The address on file.
    link : str
        To the page with the button.
    until : datetime
        When the link ends.
    sender, sponsor, imprint : str
        Who writes.
    at : datetime
        Now.

    Returns
    -------
    bytes
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = "Was it you? Please confirm what you asked of us"
    mail["Date"], mail["Auto-Submitted"] = format_datetime(at), "auto-generated"
    received = asked.received_at
    mail.set_content(
        f"Somebody asked us on {received.day} {received:%B %Y} {ASKED[asked.kind]}.\n\n"
        f"If it was you, open this page and press the button, by {until.day} {until:%B %Y}:\n{link}\n\n"
        "If it was not you, do nothing. Then nobody is shown anything, and nothing is changed.\n\n"
        f"{sponsor}\n{imprint}\n"
    )
    return mail.as_bytes()
