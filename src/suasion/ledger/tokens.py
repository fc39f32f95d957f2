"""What only the holder of the workspace's key can make: tokens of sends, and hashes of contact details."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata
from collections.abc import Iterable

from sqlalchemy import insert, select

from suasion.errors import WorkspaceError
from suasion.ledger.database import Ledger
from suasion.ledger.schema import secrets

_SIZE = 16
_LONGEST = 253  # RFC 1035, section 2.3.4: characters of a domain
_TODO = "Set SUASION_KEY in the environment to the secret of this workspace, and keep it."


def token_of(key: bytes, send: int) -> str:
    """The text by which a recipient's link names a send: its number and a keyed hash; safe in URLs.

    Parameters
    ----------
    key : bytes
    send : int

    Returns
    -------
    str
        32 characters of base64url (RFC 4648, section 5).

    Examples
    --------
    >>> send_of(b"key", token_of(b"key", 7))
    7
    """
    number = send.to_bytes(8, "big")
    return base64.urlsafe_b64encode(number + _keyed(key, b"send", number)).decode()


def send_of(key: bytes, token: str) -> int | None:
    """The send that a token names; None where we did not make the token."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    send = int.from_bytes(raw[:8], "big")
    # The whole text is compared: the decoder takes other spellings of the same bytes.
    return send if hmac.compare_digest(token, token_of(key, send)) else None


def ascii_domain(domain: str) -> str:
    """A domain as it travels; whether mail can go there is for others to check.

    Notes
    -----
    The mapping of UTS 46, nontransitional: compatible forms, case and what is invisible make no difference,
    and labels that are not ASCII are encoded by RFC 3492.

    Examples
    --------
    >>> ascii_domain("Köln.example"), ascii_domain("ko\u0308ln．example")
    ('xn--kln-sna.example', 'xn--kln-sna.example')
    """
    seen = "".join(one for one in domain if not stringprep.in_table_b1(one))
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).lower()).replace("\u3002", ".")
    if len(plain) > _LONGEST:
        return plain
    return ".".join(map(_ascii_label, plain.split(".")))


def _ascii_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def spelled(kind: str, value: str) -> str:
    """The one spelling of an identifier or contact detail that can be written in several.

    An e-mail address is spelled as it travels, without regard to case: one mailbox has one spelling.

    Examples
    --------
    >>> spelled("email", " Ada@KÖLN.example"), spelled("email", "ada@xn--kln-sna.example")
    ('ada@xn--kln-sna.example', 'ada@xn--kln-sna.example')
    >>> spelled("member", " R12 ")
    'R12'
    """
    text = value.strip()
    if kind != "email":
        return text
    if not text.isascii():
        local, at, domain = unicodedata.normalize("NFKC", text).rpartition("@")
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", local).casefold())
        text = f"{folded}{at}{ascii_domain(domain)}".strip()
    return text.lower().removesuffix(".")


def hash_of(key: bytes, kind: str, value: str) -> bytes:
    """Keyed hash of an identifier or contact detail, by which it is known again without being held.

    It is of what `spelled` makes of it: whichever way an address is written, its hash is the same.
    """
    return hashes_of(key, kind, [value])[0]


def hashes_of(key: bytes, kind: str, values: Iterable[str]) -> list[bytes]:
    """Keyed hashes of many identifiers or contact details of one kind, as `hash_of` makes them, quickly."""
    begun = hashlib.blake2b(f"{kind}\x1f".encode(), digest_size=_SIZE, key=key, person=b"detail")
    hashes: list[bytes] = []
    for value in values:
        one = begun.copy()
        one.update(spelled(kind, value).encode("utf-8", "surrogatepass"))
        hashes.append(one.digest())
    return hashes


def require_key(ledger: Ledger, key: bytes) -> None:
    """Refuse a key that is absent or not the one this workspace was begun with; the first is remembered.

    Raises
    ------
    WorkspaceError
        Links already sent would stop working, and suppressed persons would not be known again.
    """
    if not key:
        raise WorkspaceError("a live campaign", "SUASION_KEY is not set", _TODO)
    fingerprint = _keyed(key, b"secret", b"")
    with ledger.writing() as connection:
        known = connection.execute(select(secrets.c.fingerprint)).scalar()
        if known is None:
            connection.execute(insert(secrets).values(fingerprint=fingerprint))
        elif known != fingerprint:
            raise WorkspaceError("a live campaign", "SUASION_KEY is not the key it was begun with", _TODO)


def _keyed(key: bytes, use: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SIZE, key=key, person=use).digest()
