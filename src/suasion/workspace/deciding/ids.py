"""Decision ids: sealed tokens that hold a decision, so that nothing is written when somebody asks.

A token tells its holder nothing and is of one workspace alone. The same decision of the same hour has the
same token: what is asked again, or asked of another process, can be cached.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

HOUR = 3600
OLDEST = timedelta(days=90)
"""No exposure is told that late; a placement's horizon is no longer."""
_EARLY = timedelta(hours=1)
_ABOUT = [b"suasion decision 2"]
_REMEMBERED = 1 << 15
"""Tokens: of who asks again within the hour. Each takes about one kB."""
_LONGEST = 4096
"""Characters; the longest token there can be is shorter."""


class Decided(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was decided for one person.

    Parameters
    ----------
    record : str
        ``placement:NAME``.
    version : int
        Of what the policy had learned.
    variant : str
        A treatment, or the generic variant.
    person : int
    hour : int
        When, full hours since 1970.
    probability : float
        Of the variant, for this person, among those that were possible.
    holdout : float
        Chance of the generic variant, as it was declared then.
    cost : float
        Of the variant, likewise.
    features : bytes
        What the policy saw, as 32-bit floats, little-endian.
    place : int
        0, or how many variants the same answer shows before it.
    frozen : bool
        Whether the person had been exposed before, so that nothing was drawn.
    trial : bool
        Whether a challenger decided; `version` is then of what that had learned.
    """

    record: str
    version: int
    variant: str
    person: int
    hour: int
    probability: float
    holdout: float
    cost: float
    features: bytes
    place: int = 0
    frozen: bool = False
    trial: bool = False

    @property
    def seen(self) -> npt.NDArray[np.float32]:
        """The features; shape (d,)."""
        return np.frombuffer(self.features, "<f4")


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Decided)


@lru_cache(_REMEMBERED)
def id_of(key: bytes, decided: Decided) -> str:
    """Seal a decision.

    AES-SIV (RFC 5297) with a key derived from the workspace's: what is sealed twice gives one token, and
    nothing else can be learned of it.

    Parameters
    ----------
    key : bytes
        The workspace's.
    decided : Decided

    Returns
    -------
    str
        Base64url without padding.

    Examples
    --------
    >>> one = Decided("placement:home", 3, "bus", 7, 493_000, 0.25, 0.05, 0.0, b"")
    >>> decided_by(b"key", id_of(b"key", one), datetime.fromtimestamp(493_001 * HOUR).astimezone()) == one
    True
    """
    whole = _cipher(key).encrypt(_ENCODER.encode(decided), _ABOUT)
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def decided_by(key: bytes, token: str, at: datetime) -> Decided | None:
    """The decision that a token holds.

    Parameters
    ----------
    key : bytes
    token : str
    at : datetime
        When it is used.

    Returns
    -------
    Decided or None
        None where this workspace did not make it, it is spelled in another way, or it is of the future or
        older than `OLDEST`.
    """
    if len(token) > _LONGEST:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        decided = _DECODER.decode(_cipher(key).decrypt(raw, _ABOUT))
    except (binascii.Error, ValueError, InvalidTag, msgspec.DecodeError):
        return None
    # The decoder takes other spellings of the same bytes: one decision has one token.
    spelled = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    age = at.timestamp() - decided.hour * HOUR
    fresh = -_EARLY.total_seconds() <= age <= OLDEST.total_seconds()
    return decided if spelled and fresh else None


@lru_cache(8)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(hashlib.blake2b(b"", digest_size=64, key=key, person=b"decision").digest())
