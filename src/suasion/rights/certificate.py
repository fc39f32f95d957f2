"""What an erasure says of itself, signed: what is done, what others were asked, what is due and by when."""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

AT_ONCE, REWRITTEN, COMPLETE = 1, 2, 3
"""Stages: nothing reads the person any more, and the key is destroyed; every file of the workspace is without
the person, and others were asked; models have learned again, and everybody who was asked has answered."""


@dataclass(frozen=True)
class Due:
    """Something that only people can do.

    Parameters
    ----------
    what, where : str
    by : date
    """

    what: str
    where: str
    by: date


@dataclass(frozen=True)
class Asked:
    """A recipient of data who was asked to delete it too, and what they answered: ``requested`` is no answer.

    Parameters
    ----------
    recipient : str
    state : {"requested", "confirmed", "refused"}
    """

    recipient: str
    state: str


@dataclass(frozen=True)
class Certificate:
    """The account of an erasure; it holds nothing of the person but keyed hashes.

    Parameters
    ----------
    person : tuple of str
        Keyed hashes, hexadecimal, of identifiers and contact details.
    at : datetime
    done : tuple of str
    due : tuple of Due
    searched : int
        Files of the workspace in which every identifier and contact detail was searched for afterwards.
    found : tuple of str
        Files in which one was found, by their path in the workspace.
    stage : int
        1 at once, 2 rewritten, 3 complete.
    models : tuple of str
        Models that had learned from the person, and have not learned again.
    asked : tuple of Asked
    public, signature : str
        Ed25519 (RFC 8032), hexadecimal; empty before it is signed.

    Examples
    --------
    >>> due = (Due("Look at it", "sources/a.csv", date(2027, 2, 1)),)
    >>> made = Certificate(("6f0c",), datetime(2027, 1, 31), (), due, 9, ()).signed(b"key")
    >>> made.as_dict()["due"]
    [{'what': 'Look at it', 'where': 'sources/a.csv', 'by': '2027-02-01'}]
    >>> verify_certificate(made.as_dict(), public_key(b"key"))
    True
    """

    person: tuple[str, ...]
    at: datetime
    done: tuple[str, ...]
    due: tuple[Due, ...]
    searched: int
    found: tuple[str, ...]
    stage: int = AT_ONCE
    models: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    public: str = ""
    signature: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The certificate as JSON can hold it."""
        due = [{"what": one.what, "where": one.where, "by": one.by.isoformat()} for one in self.due]
        return {
            "stage": self.stage,
            "person": list(self.person),
            "at": self.at.isoformat(),
            "done": list(self.done),
            "due": due,
            "searched": self.searched,
            "found": list(self.found),
            "models": list(self.models),
            "asked": [vars(one) for one in self.asked],
            "public": self.public,
            "signature": self.signature,
        }

    def signed(self, key: bytes) -> Certificate:
        """The same, signed with a key that is derived from the workspace's."""
        bare = replace(self, public=public_key(key), signature="")
        signature = _private(key).sign(_content(bare.as_dict())).hex()
        return replace(bare, signature=signature)


def certificate_from(said: Mapping[str, Any]) -> Certificate:
    """The certificate that `Certificate.as_dict` spelled."""
    due = tuple(Due(one["what"], one["where"], date.fromisoformat(one["by"])) for one in said["due"])
    return Certificate(
        person=tuple(said["person"]),
        at=datetime.fromisoformat(said["at"]),
        done=tuple(said["done"]),
        due=due,
        searched=said["searched"],
        found=tuple(said["found"]),
        stage=said["stage"],
        models=tuple(said["models"]),
        asked=tuple(Asked(**one) for one in said["asked"]),
        public=said["public"],
        signature=said["signature"],
    )


def public_key(key: bytes) -> str:
    """By which anybody can check the certificates of a workspace: 32 bytes, hexadecimal.

    Parameters
    ----------
    key : bytes
        The workspace's.
    """
    return _private(key).public_key().public_bytes_raw().hex()


def verify_certificate(said: Mapping[str, Any], public: str) -> bool:
    """Whether a certificate is as the holder of a key signed it.

    Parameters
    ----------
    said : mapping
        As `Certificate.as_dict` spells it, or as it was read from JSON.
    public : str
        Of the workspace, from where one trusts it: the one in the certificate proves nothing.

    Returns
    -------
    bool
    """
    try:
        signature = bytes.fromhex(said["signature"])
        content = _content({**said, "signature": ""})
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, content)
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return said.get("public") == public


def _private(key: bytes) -> Ed25519PrivateKey:
    seed = hashlib.blake2b(b"", digest_size=32, key=key, person=b"sign").digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def _content(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def at_once(at: datetime) -> date:
    """By when the sponsor's own files must be clean: the next day, without delay (GDPR, Art. 17(1))."""
    return at.date() + timedelta(days=1)


def in_a_month(at: datetime) -> date:
    """By when the person must be told what was done, and others to whom data went (GDPR, Art. 12(3), 19).

    A month ends on the day of the same number, or on its last (Regulation 1182/71, Art. 3(2)(c)).

    Examples
    --------
    >>> in_a_month(datetime(2027, 1, 31)).isoformat()
    '2027-02-28'
    """
    year, month = at.year + at.month // 12, at.month % 12 + 1
    return date(year, month, min(at.day, monthrange(year, month)[1]))
