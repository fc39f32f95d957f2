"""What only the holder of the workspace's key can make: tokens of sends, and hashes of contact details."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import stringprep
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sqlalchemy import insert, select

from suasion.errors import WorkspaceError
from suasion.ledger import keys as keys
from suasion.ledger.database import Ledger
from suasion.ledger.schema import secrets

_SIZE = 16
_QUOTED = re.compile(r"\"([\w!#$%&'*+/=?^`{|}~.-]+)\"(@.+)", re.DOTALL)
_LAST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_LONGEST = 253  # RFC 1035, section 2.3.4: characters of a domain
_TODO = "Set SUASION_KEY in the environment to the secret of this workspace, and keep it."


def token_of(key: bytes, send: int) -> str:
    """The text by which a recipient's link names a send: its number, hidden, and a keyed hash; safe in URLs.

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
    code = _keyed(key, b"send", number)
    # The number is hidden by its own code: numbers in a row would tell recipients how many lie between them.
    hidden = bytes(a ^ b for a, b in zip(number, _keyed(key, b"hide", code), strict=False))
    return base64.urlsafe_b64encode(hidden + code).decode()


def send_of(key: bytes, token: str) -> int | None:
    """The send that a token names; None where we did not make the token."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    number = bytes(a ^ b for a, b in zip(raw[:8], _keyed(key, b"hide", raw[8:]), strict=False))
    send = int.from_bytes(number, "big")
    # The whole text is compared: the decoder takes other spellings of the same bytes.
    return send if hmac.compare_digest(token, token_of(key, send)) else None


def proof_of(key: bytes, request: int, until: datetime) -> str:
    """The text by which whoever reads a person's mail confirms a request; it holds until a time.

    Whether it was used is for whoever keeps the request to know.

    Parameters
    ----------
    key : bytes
    request : int
        Number of the request.
    until : datetime
        With time zone; full seconds count.

    Returns
    -------
    str
        40 characters of base64url. No token of a send is one, and none of these names a send.

    Examples
    --------
    >>> until, later = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    >>> token = proof_of(b"key", 7, until)
    >>> proved(b"key", token, until), proved(b"key", token, later)
    (7, None)
    """
    content = request.to_bytes(8, "big") + int(until.timestamp()).to_bytes(6, "big")
    return base64.urlsafe_b64encode(content + _keyed(key, b"proof", content)).decode()


def proved(key: bytes, token: str, at: datetime) -> int | None:
    """The request that a token of `proof_of` confirms; None where we did not make it, or its time is over."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    request, until = int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:14], "big")
    made = proof_of(key, request, datetime.fromtimestamp(min(until, _LAST), UTC))
    return request if hmac.compare_digest(token, made) and at.timestamp() <= until else None


def sealed(key: bytes, use: bytes, content: bytes) -> str:
    """Content with a keyed hash, as text that is safe in URLs; anybody can read it, nobody else can make it.

    Parameters
    ----------
    key : bytes
    use : bytes
        What it is for, up to 16 octets: the token of one use is none of another.
    content : bytes

    Returns
    -------
    str
        Base64url without padding.

    Examples
    --------
    >>> unsealed(b"key", b"tea", sealed(b"key", b"tea", b"two cups"))
    b'two cups'
    """
    whole = content + _keyed(key, use, content)
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def unsealed(key: bytes, use: bytes, token: str) -> bytes | None:
    """The content of a token of `sealed`; None where we did not make it, for this use and spelled so."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    content = raw[:-_SIZE]
    return content if hmac.compare_digest(token, sealed(key, use, content)) else None


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
    >>> spelled("member", " R12 "), spelled("email", '"Ada.L"@town.example')
    ('R12', 'ada.l@town.example')
    """
    text = value.strip()
    if kind != "email":
        return text
    quoted = _QUOTED.fullmatch(text)
    if quoted:  # RFC 5321, section 4.1.2: the quotes are no part of the mailbox's name
        text = "".join(quoted.groups())
    if not text.isascii():
        local, at, domain = unicodedata.normalize("NFKC", text).rpartition("@")
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", local).casefold())
        text = f"{folded}{at}{ascii_domain(domain)}".strip()
    return text.lower().removesuffix(".")


def folded(kind: str, value: str) -> str:
    """The spelling by which suppressions know an identifier or contact detail: all that fold to one are one.

    Letter case makes no difference, and an e-mail address is that of its mailbox, without what follows the
    first ``+`` (RFC 5233, section 1). It tells nobody apart: that is for `spelled`.

    Examples
    --------
    >>> folded("email", "Ada+news@town.example"), folded("member", "R12")
    ('ada@town.example', 'r12')
    """
    text = spelled(kind, value)
    if kind != "email":
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
    local, at, domain = text.rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def hash_of(key: bytes, kind: str, value: str, spelling: Callable[[str, str], str] = spelled) -> bytes:
    """Keyed hash of an identifier or contact detail, by which it is known again without being held.

    It is of what `spelled` makes of it, or `folded`: whichever way an address is written, its hash is one.
    """
    return hashes_of(key, kind, [value], spelling)[0]


def hashes_of(
    key: bytes, kind: str, values: Iterable[str], spelling: Callable[[str, str], str] = spelled
) -> list[bytes]:
    """Keyed hashes of many identifiers or contact details of one kind, as `hash_of` makes them, quickly."""
    return list(map(hasher(key, kind, spelling), values))


def hasher(key: bytes, kind: str, spelling: Callable[[str, str], str] = spelled) -> Callable[[str], bytes]:
    """What makes the hashes of `hash_of`, of one kind, one at a time and quickly.

    Examples
    --------
    >>> hasher(b"key", "member")("R12") == hash_of(b"key", "member", "R12")
    True
    """
    begun = hashlib.blake2b(f"{kind}\x1f".encode(), digest_size=_SIZE, key=key, person=b"detail").copy

    def made(value: str) -> bytes:
        one = begun()
        one.update(spelling(kind, value).encode("utf-8", "surrogatepass"))
        return one.digest()

    return made


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


def require_known_key(ledger: Ledger, key: bytes) -> None:
    """As `require_key`, but only of a workspace that has a key: without it no journal hears of a no."""
    with ledger.engine.connect() as connection:
        known = connection.execute(select(secrets.c.fingerprint)).scalar()
    if known is not None:
        require_key(ledger, key)


def _keyed(key: bytes, use: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SIZE, key=key, person=use).digest()
