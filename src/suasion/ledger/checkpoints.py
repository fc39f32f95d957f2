"""Checkpoints: how long the log is and its root, signed; who keeps one can prove a later change.

A checkpoint is a text in the formats of C2SP, ``tlog-checkpoint`` in a ``signed-note`` (https://c2sp.org),
signed with Ed25519 by a key that is derived from the workspace's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, insert, select

from suasion.errors import DamageError, InputError
from suasion.ledger import log
from suasion.ledger import tree as tree
from suasion.ledger.database import Ledger
from suasion.ledger.schema import checkpoints

_ED25519 = b"\x01"
_ID = 4
_LONGEST = 64 * 1024
_NAME = re.compile(r"[^\s+]+")
_COUNT = re.compile(r"0|[1-9][0-9]{0,17}")
_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")
_SIGNATURE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+=*)")
_TODO = "Ask the sponsor; keep what you have."


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log.

    Parameters
    ----------
    origin : str
        Which log; also the name of its key.
    size : int
        Number of rows.
    root : bytes
        Of the tree over them.
    """

    origin: str
    size: int
    root: bytes

    @property
    def head(self) -> str:
        """The root as the checkpoint spells it: base64."""
        return base64.b64encode(self.root).decode()

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{self.head}\n"


def verifier_key(key: bytes, name: str) -> str:
    """The public key by which everybody can check the checkpoints of a workspace.

    Parameters
    ----------
    key : bytes
        The workspace's.
    name : str
        Of the log, without spaces and plus signs.

    Returns
    -------
    str
        ``NAME+ID+KEY``, as C2SP spells keys of notes.

    Examples
    --------
    >>> verifier_key(b"secret", "town.example/log")
    'town.example/log+...+...'
    """
    public = _public(key)
    return f"{name}+{_id(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def sign(key: bytes, checkpoint: Checkpoint) -> str:
    """A checkpoint as a signed note.

    Parameters
    ----------
    key : bytes
        The workspace's.
    checkpoint : Checkpoint

    Raises
    ------
    InputError
        The origin is no name.
    """
    name = checkpoint.origin
    if not _NAME.fullmatch(name):
        raise InputError(f"log name {name!r}", "it has a space or a plus sign, or is empty", "Name it so.")
    signature = _signer(key).sign(checkpoint.body.encode())
    said = base64.b64encode(_id(name, _public(key)) + signature).decode()
    return f"{checkpoint.body}\n\u2014 {name} {said}\n"


def opened(note: str, vkey: str) -> Checkpoint:
    """Read a checkpoint, if it is signed by this key; those of others, such as witnesses, count for nothing.

    Parameters
    ----------
    note : str
    vkey : str
        As `verifier_key` makes it.

    Returns
    -------
    Checkpoint

    Raises
    ------
    InputError
        The key is none.
    DamageError
        It is no checkpoint, or not signed by this key.
    """
    name, identity, public = _read_key(vkey)
    checkpoint, signatures = read(note)
    if checkpoint.origin != name:
        raise _refused(f"it is of the log '{checkpoint.origin}', and the key is of '{name}'")
    ours = [said[_ID:] for by, said in signatures if by == name and said[:_ID] == identity]
    if not ours or not all(_signed(public, one, checkpoint.body) for one in ours):
        raise _refused("it is not signed by this key")
    return checkpoint


def read(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """What a checkpoint says and who signed it, none of it checked.

    Raises
    ------
    DamageError
        It is no checkpoint.
    """
    body, _, signatures = note.partition("\n\n")
    lines, signed = body.split("\n"), signatures.removesuffix("\n").split("\n")
    found = [_SIGNATURE.fullmatch(line) for line in signed]
    plain = len(note) <= _LONGEST and note.endswith("\n") and len(lines) == 3
    if not plain or not all(found) or not _NAME.fullmatch(lines[0]) or not _COUNT.fullmatch(lines[1]):
        raise _refused("it is none")
    root, said = _decoded(lines[2]), [(one[1], _decoded(one[2])) for one in found if one]
    if len(root) != tree.SIZE:
        raise _refused("it has no root")
    return Checkpoint(lines[0], int(lines[1]), root), said


def latest(ledger: Ledger, key: bytes, name: str, at: datetime) -> str:
    """The checkpoint of the log as it stands, written down before it is handed out.

    Parameters
    ----------
    ledger : Ledger
    key : bytes
        The workspace's.
    name : str
        Of the log.
    at : datetime

    Returns
    -------
    str
        A signed note.

    Raises
    ------
    DamageError
        The log does not continue what was handed out last: nothing more is signed.
    """
    with ledger.engine.connect() as connection:
        leaves, last = log.hashes(connection), _last(connection)
    note = _next(leaves, last, key, name)
    if note == last:
        return note
    with ledger.writing() as connection:
        note = _next(log.hashes(connection), _last(connection), key, name)
        size = read(note)[0].size
        if connection.execute(select(checkpoints.c.note).where(checkpoints.c.size == size)).first() is None:
            connection.execute(insert(checkpoints).values(size=size, note=note, at=at.astimezone(UTC)))
    return note


def handed_out(connection: Connection) -> list[tuple[int, str]]:
    """Size and note of every checkpoint that was handed out, by size."""
    chosen = select(checkpoints.c.size, checkpoints.c.note).order_by(checkpoints.c.size)
    return [(row.size, str(row.note)) for row in connection.execute(chosen)]


def _last(connection: Connection) -> str | None:
    chosen = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    return connection.execute(chosen).scalar()


def _next(leaves: list[bytes], last: str | None, key: bytes, name: str) -> str:
    """The note to hand out: the last one again, or a new one for a log that continues it."""
    levels = tree.levels(leaves)
    now = Checkpoint(name, len(leaves), tree.root_of_first(levels, len(leaves)))
    if last is not None:
        before, _ = read(last)
        if before.size > now.size or tree.root_of_first(levels, before.size) != before.root:
            found = f"it does not continue the checkpoint of {before.size} rows that was handed out"
            raise DamageError("the log", found, "Restore the ledger from a backup.")
        if before == now:
            return last
    return sign(key, now)


def _signer(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(
        hashlib.blake2b(digest_size=32, key=key, person=b"checkpoint").digest()
    )


def _public(key: bytes) -> bytes:
    return _signer(key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID]


def _read_key(vkey: str) -> tuple[str, bytes, bytes]:
    """Name, id and public key."""
    found = _KEY.fullmatch(vkey.strip())
    raw = base64.b64decode(found[3]) if found else b""
    if not found or raw[:1] != _ED25519 or found[2] != _id(found[1], raw[1:]).hex():
        todo = "Copy the whole line: NAME+ID+KEY. `suasion log-key` prints it."
        raise InputError("the key of the log", "it is none, or was cut off", todo)
    return found[1], bytes.fromhex(found[2]), raw[1:]


def _signed(public: bytes, signature: bytes, body: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, body.encode())
    except InvalidSignature:
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("it holds what is no base64") from None
    if base64.b64encode(raw).decode() != text:  # the decoder takes other spellings of the same bytes
        raise _refused("it holds what is no base64")
    return raw


def _refused(found: str) -> DamageError:
    return DamageError("the checkpoint", found, _TODO)
