"""The proof of a positive verdict for a set of persons."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from suasion.rules.purpose import Channel, Purpose, Use

MAX_AGE = timedelta(minutes=15)
_KEY = secrets.token_bytes(32)
"""Known to this process only: a clearance cannot be written down, copied or made elsewhere."""

PersonIds = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clearance:
    """Permission for a set of persons, made by `Gate.judge` alone.

    Parameters
    ----------
    persons : array of int64, shape (n,)
        Ids of the permitted persons, sorted; read-only.
    uses, purpose, campaign, territory, channel
        What is permitted, for whom and where; `channel` is None where nobody is contacted.
    rules : str
        Digest of the rule packs that judged.
    facts : str
        Version of the facts that were judged.
    at : datetime
        When it was judged; it lives `MAX_AGE`.
    seal : bytes
        Keyed hash over all of the above.
    """

    persons: PersonIds
    uses: frozenset[Use]
    purpose: Purpose
    campaign: str
    territory: str
    channel: Channel | None
    rules: str
    facts: str
    at: datetime
    seal: bytes

    def covers(self, persons: PersonIds) -> npt.NDArray[np.bool_]:
        """Which of these persons it permits; shape of `persons`."""
        places = np.searchsorted(self.persons, persons)
        inside = places < len(self.persons)
        found = np.zeros(len(persons), np.bool_)
        found[inside] = self.persons[places[inside]] == persons[inside]
        return found


def seal(
    persons: PersonIds,
    uses: frozenset[Use],
    purpose: Purpose,
    campaign: str,
    territory: str,
    channel: Channel | None,
    rules: str,
    facts: str,
    at: datetime,
) -> bytes:
    """The keyed hash over the content of a clearance."""
    parts = [*sorted(uses), purpose, campaign, territory, channel, rules, facts, at.isoformat()]
    digest = hashlib.blake2b(repr(parts).encode(), key=_KEY)
    digest.update(persons.dtype.str.encode() + persons.tobytes())
    return digest.digest()


def is_genuine(clearance: object) -> bool:
    """Whether this process made the clearance and nothing in it was changed since."""
    if not isinstance(clearance, Clearance):
        return False
    content = {f.name: getattr(clearance, f.name) for f in fields(clearance) if f.name != "seal"}
    try:
        return hmac.compare_digest(seal(**content), clearance.seal)
    except (AttributeError, TypeError, ValueError):  # fields of types that `seal` never sealed
        return False
