"""Receipts: what each send was granted by, sealed in the log by the claim that grants it.

A claim makes a Merkle tree over the receipts of its sends and appends the root to the log. A receipt names
nobody: the send is a keyed hash over all that is fixed of it, facts and consent are hashes with a salt that
the workspace's key makes, so that nobody can guess them, and who is given the salt can open them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from suasion.errors import OrderError
from suasion.ledger import log, tree
from suasion.ledger.rows import read_rows, write_rows
from suasion.ledger.schema import consents, receipts, sends
from suasion.ledger.sends.evidence import Evidence
from suasion.ledger.sends.send import STEP, Send, Terms

ALIKE = 512
"""Every batch looks as if it held a multiple of so many sends."""
_FIXED = ("id", "person", "plan", "treatment", "cost", "address")
"""Columns of a send that no one may change once it is claimed."""
_EVIDENCE = sorted({column.name for column in consents.c} - {"person", "purpose", "channel"})
_STANDING = f"""
SELECT s.id, s.plan, c.source, {", ".join(f"c.{name}" for name in _EVIDENCE)} FROM sends s
LEFT JOIN consents c ON c.person = s.person AND c.purpose = ? AND c.channel = ?
WHERE s.id BETWEEN ? AND ? ORDER BY s.id, c.source
"""
_RECORDS = "SELECT position, body FROM log WHERE campaign = ? AND kind = 'campaign' ORDER BY position DESC"
_TAKE_BACK = "UPDATE receipts SET send = NULL, facts = NULL, consent = NULL WHERE send = ?"
_INSERT = "INSERT INTO receipts (batch, place, leaf, send, facts, consent) VALUES (?, ?, ?, ?, ?, ?)"


def issue(
    connection: Connection, terms: Terms, rules: str, evidence: Evidence, paid: Sequence[Send], at: datetime
) -> None:
    """Seal what a claim was granted by, inside its transaction: one row of the log, one receipt a send.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    terms : Terms
    rules : str
        Digest of the rules that judged.
    evidence : Evidence
    paid : sequence of Send
        What is claimed.
    at : datetime
    """
    if not paid:
        return
    batch = Batch(terms.campaign, log.time_of(at), _record(connection, terms), rules)
    begun = fixed_of(evidence.key, terms.campaign, str(terms.channel), STEP)
    consented, leaf = _consents(connection, terms, paid), leaves_of(batch)
    sealed = list[tuple[bytes, int | None, bytes | None, bytes | None]]()
    for one, said in zip(paid, evidence.texts([one.person for one in paid]), strict=True):
        plan, agreed = consented[one.id]
        tag, salt = seal(begun, one.id, one.person, plan, one.treatment, one.cost, one.address)
        facts, consent = sealed_text(salt, said), sealed_text(salt, f"[{agreed}]")
        sealed.append((leaf(tag, one.treatment, facts, consent), one.id, facts, consent))
    # How many there are, and in which order, would undo the noise of the published counts.
    sealed += [(one, None, None, None) for one in _empty(evidence.key, batch, -len(sealed) % ALIKE)]
    sealed.sort(key=lambda one: one[0])
    leaves = [one[0] for one in sealed]
    told = {"content": terms.content, "record": batch.record, "rules": rules}
    position = log.append(
        connection, "sends", terms.campaign, {**told, "root": sealed_root(len(leaves), tree.root(leaves))}, at
    )
    write_rows(connection, _INSERT, [(position, place, *one) for place, one in enumerate(sealed)])


def _empty(key: bytes, batch: Batch, count: int) -> list[bytes]:
    """Leaves of nobody, which only the holder of the key can tell from others."""
    begun = hashlib.blake2b(f"{batch.campaign} {batch.at}".encode(), key=key, digest_size=32)
    made = list[bytes]()
    for number in range(count):
        one = begun.copy()
        one.update(number.to_bytes(4, "big"))
        made.append(one.digest())
    return made


def sealed_root(size: int, root: bytes) -> str:
    """What the log holds of a batch: it binds how many receipts there are, and tells nobody."""
    return hashlib.sha256(size.to_bytes(8, "big") + root).hexdigest()


def leaves_of(batch: Batch) -> Callable[[str, str, bytes, bytes], bytes]:
    """What makes leaves as `leaf_of` does of `Batch.content`; what sends have in common is written once."""
    common = {"at": batch.at, "campaign": batch.campaign}, {"record": batch.record, "rules": batch.rules}
    before, between = (log.canonical(one)[1:-1] for one in common)
    ends = dict[str, str]()

    def leaf(tag: str, treatment: str, facts: bytes, consent: bytes) -> bytes:
        if treatment not in ends:
            ends[treatment] = log.canonical({"treatment": treatment})[1:]
        hashes = f'"consent":"{consent.hex()}","facts":"{facts.hex()}"'
        text = f'{{{before},{hashes},{between},"send":"{tag}",{ends[treatment]}'
        return tree.leaf_hash(text.encode())

    return leaf


def _record(connection: Connection, terms: Terms) -> int:
    """The position of the newest record of this content, under which the sends go."""
    for rows in read_rows(connection, _RECORDS, (terms.campaign,)):
        for position, body in rows:
            if json.loads(body).get("content") == terms.content:
                return position
    raise OrderError(f"receipts of '{terms.campaign}'", "its record is not in the log", "Put it on record.")


def _consents(connection: Connection, terms: Terms, paid: Sequence[Send]) -> dict[int, tuple[int, str]]:
    """By send: its plan, and what the ledger says of its person's consent, as JSON."""
    between = min(one.id for one in paid), max(one.id for one in paid)
    asked = (str(terms.purpose), str(terms.channel), *between)
    rows = [row for some in read_rows(connection, _STANDING, asked) for row in some]
    found = dict[int, tuple[int, str]]()
    for (send, plan, source, *_), entry in zip(rows, _entries(rows), strict=True):
        before = f"{found[send][1]}," if send in found else ""
        found[send] = plan, before + entry if source is not None else ""
    return found


def _entries(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The columns of consents as a JSON object a row; each different value is written once."""
    parts = list[list[str]]()
    for name, column in zip(_EVIDENCE, list(zip(*rows, strict=True))[3:], strict=True):
        said = {value: f"{log.canonical(name)}:{log.canonical(value)}" for value in set(column)}
        parts.append([said[value] for value in column])
    return ["{" + ",".join(entry) + "}" for entry in zip(*parts, strict=True)]


@dataclass(frozen=True)
class Batch:
    """What the receipts of one claim have in common.

    Parameters
    ----------
    campaign : str
    at : str
        As the log spells it.
    record : int
        Position in the log of the campaign's record.
    rules : str
        Digest of the rules that judged.
    """

    campaign: str
    at: str
    record: int
    rules: str

    def content(self, tag: str, treatment: str, facts: bytes, consent: bytes) -> dict[str, Any]:
        """A receipt, as it is handed out."""
        own = {"send": tag, "treatment": treatment, "facts": facts.hex(), "consent": consent.hex()}
        return {**vars(self), **own}


def leaf_of(content: dict[str, Any]) -> bytes:
    """The hash of a receipt's leaf: of its canonical JSON."""
    return tree.leaf_hash(log.canonical(content).encode())


def fixed_of(key: bytes, campaign: str, channel: str, step: int) -> Any:
    """The beginning of what `seal` hashes, alike for all sends of a batch."""
    said = log.canonical([campaign, channel, step]).encode()
    return hashlib.blake2b(said, key=key, person=b"receipt")


def seal(
    begun: Any, send: int, person: int, plan: int, treatment: str, cost: float, address: bytes
) -> tuple[str, bytes]:
    """The keyed hash over all that is fixed of a send, and the salt of its receipt."""
    made = begun.copy()
    made.update(f"{send} {person} {plan} {cost!r} {len(address)} ".encode() + address + treatment.encode())
    digest = made.digest()
    return digest[:32].hex(), digest[32:]


def sealed_text(salt: bytes, said: str) -> bytes:
    """The hash of facts or consent; who is given the salt can guess at them, and nobody else.

    Examples
    --------
    >>> sealed_text(b"salt", "{}").hex()[:8] == hashlib.sha256(b"salt{}").hexdigest()[:8]
    True
    """
    return hashlib.sha256(salt + said.encode()).digest()


def salt_of(connection: Connection, key: bytes, send: int) -> bytes | None:
    """The salt of a send's receipt, for its person alone; None where there is no such send."""
    chosen = select(sends.c.campaign, sends.c.channel, sends.c.step, *(sends.c[name] for name in _FIXED))
    row = connection.execute(chosen.where(sends.c.id == send)).first()
    if row is None:
        return None
    campaign, channel, step, *fixed = tuple(row)
    return seal(fixed_of(key, campaign, channel, step), *fixed)[1]


@dataclass(frozen=True)
class Receipt:
    """A receipt as it is handed out: what it says, and that it is one of its batch.

    Parameters
    ----------
    content : dict
        What JSON can hold.
    place, size : int
        Its place in its batch, and how many that holds.
    root : bytes
        Of the tree of the batch.
    path : tuple of bytes
        From its leaf to that root.
    batch : LogRow
        Which binds size and root.
    """

    content: dict[str, Any]
    place: int
    size: int
    root: bytes
    path: tuple[bytes, ...]
    batch: log.LogRow


def receipt_of(connection: Connection, key: bytes, send: int) -> Receipt | None:
    """The newest receipt of a send; None where it was never claimed, or its person was erased."""
    newest = (
        select(receipts.c.batch).where(receipts.c.send == send).order_by(receipts.c.batch.desc()).limit(1)
    )
    position = connection.execute(newest).scalar()
    row = None if position is None else log.row(connection, position)
    if row is None:
        return None
    sealed = list(sealed_in(connection, row.position))
    (one,) = [one for one in sealed if one.send == send]
    leaves = [one.leaf for one in sealed]
    path = tree.inclusion(tree.levels(leaves), one.place)
    content = content_of(key, row, one)
    if content is None:
        return None
    return Receipt(content, one.place, len(leaves), tree.root(leaves), tuple(path), row)


_SEALED = (
    select(
        *(receipts.c.batch, receipts.c.place, receipts.c.send, receipts.c.leaf),
        *(receipts.c.facts, receipts.c.consent, sends.c.campaign, sends.c.channel, sends.c.step),
        *(sends.c[name] for name in _FIXED),
        sends.c.at,
    )
    .join_from(receipts, sends, sends.c.id == receipts.c.send, isouter=True)
    .order_by(receipts.c.batch, receipts.c.place)
)


def sealed_in(connection: Connection, batch: int | None = None) -> Iterator[Row[Any]]:
    """The receipts of one batch, or of all, in order, each with its send; nulls where that is gone."""
    chosen = _SEALED if batch is None else _SEALED.where(receipts.c.batch == batch)
    return iter(connection.execute(chosen))


def content_of(key: bytes, batch: log.LogRow, sealed: Row[Any]) -> dict[str, Any] | None:
    """What a receipt says, made again from what the ledger holds; None where its send is gone."""
    if sealed.id is None:
        return None
    begun = fixed_of(key, sealed.campaign, sealed.channel, sealed.step)
    tag, _ = seal(begun, *(getattr(sealed, name) for name in _FIXED))
    said = batch.content
    common = Batch(batch.campaign, batch.at, said["record"], said["rules"])
    return common.content(tag, sealed.treatment, sealed.facts, sealed.consent)


def forget(connection: Connection, which: Select[Any]) -> None:
    """Leave of the receipts of these sends only the leaves, which keep the proofs of others whole."""
    theirs = receipts.c.send.in_(which)
    connection.execute(update(receipts).where(theirs).values(send=None, facts=None, consent=None))


def take_back(connection: Connection, undone: Sequence[int]) -> None:
    """Leave only the leaves of receipts whose sends are planned again: what they granted was not used."""
    write_rows(connection, _TAKE_BACK, [(send,) for send in undone])
