"""What only the holder of the workspace's key can make: tokens of sends, and hashes of contact details."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from sqlalchemy import insert, select

from suasion.errors import WorkspaceError
from suasion.ledger.database import Ledger
from suasion.ledger.schema import secrets

_SIZE = 16
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


def hash_of(key: bytes, kind: str, value: str) -> bytes:
    """Keyed hash of an identifier or contact detail, by which it is known again without being held.

    E-mail addresses are compared without regard to case.
    """
    return hashes_of(key, kind, [value])[0]


def hashes_of(key: bytes, kind: str, values: Iterable[str]) -> list[bytes]:
    """Keyed hashes of many identifiers or contact details of one kind, as `hash_of` makes them, quickly."""
    begun = hashlib.blake2b(f"{kind}\x1f".encode(), digest_size=_SIZE, key=key, person=b"detail")
    hashes: list[bytes] = []
    for value in values:
        one = begun.copy()
        one.update((value.strip().lower() if kind == "email" else value.strip()).encode())
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
