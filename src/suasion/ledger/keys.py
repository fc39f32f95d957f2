"""A key for each person, held wrapped: whoever destroys it makes all that it seals unreadable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from suasion.errors import DamageError, WorkspaceError
from suasion.ledger.database import Ledger
from suasion.ledger.rows import AT_ONCE, listed, read_rows, write_rows
from suasion.ledger.schema import erasing

SIZE, NONCE = 32, 12
"""Bytes of a key (AES-256) and of a nonce."""
_WRAPPED = """
SELECT person, wrapped FROM json_each(?) AS asked CROSS JOIN keys WHERE person = CAST(asked.value AS BIGINT)
"""
_NEW = "INSERT INTO keys (person, wrapped) VALUES (?, ?)"
_TODO = "Set SUASION_KEY in the environment to the secret of this workspace, and keep it."


def seal(key: bytes, table: str, person: int, kind: str, text: str) -> bytes:
    """Seal a text with a person's key, bound to table, person and kind.

    AES-256 in Galois/Counter Mode with a random nonce, which stands before the ciphertext; what it is bound
    to is its additional data (NIST SP 800-38D), so that it opens nowhere else.

    Parameters
    ----------
    key : bytes
        Of the person.
    table : str
    person : int
    kind : str
    text : str

    Returns
    -------
    bytes

    Examples
    --------
    >>> key = bytes(32)
    >>> unseal(key, "identities", 7, "email", seal(key, "identities", 7, "email", "ada@example.org"))
    'ada@example.org'
    """
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, _encoded(text), _bound(table, person, kind))


def unseal(key: bytes, table: str, person: int, kind: str, sealed: bytes) -> str:
    """What `seal` sealed.

    Raises
    ------
    DamageError
        It was changed, belongs to another person, table or kind, or was sealed with another key.
    """
    try:
        text = AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], _bound(table, person, kind))
    except (InvalidTag, ValueError):
        found = f"what is sealed for person {person} is not what was sealed"
        todo = "Restore the table from a backup, or correct the source and run `suasion ingest`."
        raise DamageError(f"table '{table}'", found, todo) from None
    return text.decode("utf-8", "surrogatepass")


def keys_of(ledger: Ledger, secret: bytes, persons: Iterable[int]) -> dict[int, bytes]:
    """The keys of those of some persons who have one: whoever was erased has none.

    Parameters
    ----------
    ledger : Ledger
    secret : bytes
        The workspace's.
    persons : iterable of int

    Returns
    -------
    dict of int to bytes

    Raises
    ------
    WorkspaceError
        The secret is absent, or not the one with which they were wrapped.
    """
    found: dict[int, bytes] = {}
    with ledger.reading() as connection:
        for part in _parts(persons):
            found |= _wrapped(connection, part)
    return _unwrapped(secret, found)


def keys_for(ledger: Ledger, secret: bytes, persons: Iterable[int]) -> dict[int, bytes]:
    """The keys of some persons, made where they have none; on disk when this returns.

    Whoever is being erased gets none. A key that seals nothing harms nobody: a run that fails afterwards
    leaves it for the next.

    Parameters
    ----------
    ledger : Ledger
    secret : bytes
    persons : iterable of int

    Returns
    -------
    dict of int to bytes

    Raises
    ------
    WorkspaceError
        The secret is absent, or not the one with which others were wrapped.
    """
    found: dict[int, bytes] = {}
    for part in _parts(persons):
        with ledger.writing() as connection:
            found |= key_rows(connection, secret, part)
    return found


def key_rows(connection: Connection, secret: bytes, persons: Sequence[int]) -> dict[int, bytes]:
    """As `keys_for`, inside a transaction that holds the write lock."""
    had = _unwrapped(secret, _wrapped(connection, persons))
    gone = set(connection.execute(select(erasing.c.person)).scalars())
    new = [person for person in persons if person not in had and person not in gone]
    made = dict(zip(new, _split(os.urandom(SIZE * len(new)), SIZE), strict=True))
    wrapped = _wrap(secret, made)
    if wrapped:
        write_rows(connection, _NEW, wrapped.items())
    return had | made


def holders(ledger: Ledger) -> npt.NDArray[np.int64]:
    """Everybody who has a key."""
    with ledger.reading() as connection:
        parts = read_rows(connection, "SELECT person FROM keys", ())
        return np.array([person for rows in parts for (person,) in rows], np.int64)


def _wrapped(connection: Connection, persons: Sequence[int]) -> dict[int, bytes]:
    parts = read_rows(connection, _WRAPPED, (listed(persons),))
    return {person: bytes(wrapped) for rows in parts for person, wrapped in rows}


def _wrap(secret: bytes, made: Mapping[int, bytes]) -> dict[int, bytes]:
    wrapping = _wrapping(secret)
    nonces = _split(os.urandom(NONCE * len(made)), NONCE)
    return {
        person: nonce + wrapping.encrypt(nonce, key, _bound("keys", person, ""))
        for (person, key), nonce in zip(made.items(), nonces, strict=True)
    }


def _unwrapped(secret: bytes, wrapped: Mapping[int, bytes]) -> dict[int, bytes]:
    if not wrapped:
        return {}
    wrapping = _wrapping(secret)
    try:
        return {
            person: wrapping.decrypt(one[:NONCE], one[NONCE:], _bound("keys", person, ""))
            for person, one in wrapped.items()
        }
    except InvalidTag:
        found = "SUASION_KEY is not the key with which it was sealed"
        raise WorkspaceError("what is sealed of persons", found, _TODO) from None


def _wrapping(secret: bytes) -> AESGCM:
    """The key that wraps persons' keys."""
    if not secret:
        raise WorkspaceError("what is sealed of persons", "SUASION_KEY is not set", _TODO)
    return AESGCM(hashlib.blake2b(b"", digest_size=SIZE, key=secret, person=b"wrap").digest())


def _bound(table: str, person: int, kind: str) -> bytes:
    """What a ciphertext is bound to; a name of a table holds no control character."""
    return f"{table}\x1f{person}\x1f{kind}".encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _split(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def _parts(persons: Iterable[int]) -> list[list[int]]:
    """The persons, sorted and each once, in parts that one query may name."""
    everybody = sorted({int(person) for person in persons})
    return [everybody[start : start + AT_ONCE] for start in range(0, len(everybody), AT_ONCE)]
