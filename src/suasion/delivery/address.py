"""What may stand in the address lines of a mail: addresses, senders, tokens."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from suasion.errors import CampaignError
from suasion.ledger import tokens

TOKEN = r"[A-Za-z0-9_-]{16,64}"
"""Pattern of the text that names a send: safe in URLs, in file names and left of an @."""
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What no line of a mail may hold: control characters, line separators, halves of characters."""

_LONGEST = 254  # RFC 5321, section 4.5.3.1.3: a path of 256 octets, less its angle brackets
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")
_SENDER = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<plain>[^"\\<>]+?))\s*<(?P<address>[^<>]+)>\s*')


@dataclass(frozen=True)
class Sender:
    """Who writes, as recipients see it.

    Parameters
    ----------
    name : str
    address : str
        Its domain in ASCII.
    """

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What stands right of the @."""
        return self.address.rpartition("@")[2]


def ascii_address(address: str) -> str | None:
    """An address as it travels, its domain in ASCII; None where we do not write to it.

    Conservative: one mailbox, a local part without quotes, and a domain of two labels or more. A domain
    that the two generations of internationalized names read differently ("straße.example") is refused:
    it may belong to somebody else.

    Parameters
    ----------
    address : str
        As a person gave it, for example ``ada@example.org``.

    Returns
    -------
    str or None

    Notes
    -----
    Dot-atoms and labels are those of RFC 5321, section 4.1.2, and RFC 1123, section 2.1.

    Examples
    --------
    >>> ascii_address("ada@example.org"), ascii_address("ada@köln.example")
    ('ada@example.org', 'ada@xn--kln-sna.example')
    >>> ascii_address("ada@example.org, bob@example.org")
    """
    if len(address) > _LONGEST:
        return None
    if not address.isascii():
        local, _, domain = address.rpartition("@")
        address = f"{local}@{_ascii_domain(domain)}"
    return address if len(address) <= _LONGEST and _ADDRESS.fullmatch(address) else None


def _ascii_domain(domain: str) -> str:
    """The domain in ASCII; empty where it does not read the same on the way back."""
    encoded = tokens.ascii_domain(domain)
    try:
        older = domain.encode("idna").lower()
        same = older.decode("idna") == unicodedata.normalize("NFC", domain).lower()
    except UnicodeError:
        return ""
    return encoded if same and older == encoded.encode() else ""


def is_deliverable(address: str) -> bool:
    """Whether we write to an address at all; see `ascii_address`.

    Examples
    --------
    >>> is_deliverable("ada@example.org"), is_deliverable("ada@localhost")
    (True, False)
    """
    return ascii_address(address) is not None


def check_sender(sender: str) -> Sender:
    """Read ``Name <address>``.

    Parameters
    ----------
    sender : str
        A name, in double quotes or not, and one address in angle brackets.

    Returns
    -------
    Sender

    Raises
    ------
    CampaignError
        No name, no address that we would write to, or a name that reads like an address.

    Examples
    --------
    >>> check_sender("Doe, Jane <jane@town.example>")
    Sender(name='Doe, Jane', address='jane@town.example')
    """
    found = None if UNWRITABLE.search(sender) else _SENDER.fullmatch(sender)
    if not found:
        raise CampaignError(
            "the sender", "not a name and an address", 'Write "Town Health Office <health@town.example>".'
        )
    name = re.sub(r"\\(.)", r"\1", found["quoted"]) if found["quoted"] else found["plain"]
    if not name.strip() or set(name) & set("<>@"):
        raise CampaignError("the sender's name", "none, or one with <, > or @ in it", "Mend it.")
    address = ascii_address(found["address"])
    if address is None:
        raise CampaignError("the sender's address", "not an address that mail can go to", "Mend it.")
    return Sender(name, address)
